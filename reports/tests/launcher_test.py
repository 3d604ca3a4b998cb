"""The programs in libexec/faultline: they find a Python that has what they need, or say which package is
missing."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import fake_documents
import pytest

LIBEXEC = os.environ.get("FAULTLINE_LIBEXEC")
pytestmark = pytest.mark.skipif(LIBEXEC is None, reason="FAULTLINE_LIBEXEC names no build tree")


def run(program: str | pathlib.Path, *arguments: str, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.fixture
def results(tmp_path: pathlib.Path) -> pathlib.Path:
    value = fake_documents.make(
        rounds=2, workloads=fake_documents.WORKLOADS[:1], allocators=("system", "jemalloc")
    )
    (tmp_path / "r.json").write_text(json.dumps(value))
    return tmp_path


def test_report_and_compare_run_from_any_folder(results: pathlib.Path) -> None:
    (results / "json.py").write_text(
        "raise SystemExit('the wrong json')"
    )  # where the user stands must not matter
    report = run(f"{LIBEXEC}/faultline-report", "r.json", "-o", "out", cwd=results)
    assert (report.returncode, report.stdout, report.stderr) == (0, "out/index.html\n", "")
    compare = run(f"{LIBEXEC}/faultline-compare", "r.json", "system", "jemalloc", cwd=results)
    assert compare.returncode == 0 and "CPU time" in compare.stdout and compare.stderr == ""


def test_help_has_an_example_and_a_wrong_option_one_line(results: pathlib.Path) -> None:
    for name in ("report", "compare"):
        assert (
            f"faultline {name} results.json"
            in run(f"{LIBEXEC}/faultline-{name}", "--help", cwd=results).stdout
        )
        wrong = run(f"{LIBEXEC}/faultline-{name}", "--nosuch", cwd=results)
        assert wrong.returncode == 64 and wrong.stderr.count("\n") == 1


def test_an_output_that_cannot_be_written_is_one_line(results: pathlib.Path) -> None:
    for place in ("/proc/nosuch/out", "/proc/nosuch/out.html", "r.json/out.html"):
        found = run(f"{LIBEXEC}/faultline-report", "r.json", "-o", place, cwd=results)
        assert (
            found.returncode == 73 and found.stderr.count("\n") == 1 and "cannot be created" in found.stderr
        )


def test_a_full_disk_keeps_the_older_report(results: pathlib.Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    found = run(f"{LIBEXEC}/faultline-report", "r.json", "-o", "out", cwd=results)
    before = (results / "out" / "index.html").read_bytes()
    limited = f"ulimit -f 8; exec {LIBEXEC}/faultline-report r.json -o out"
    found = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, cwd=results, timeout=120)
    assert found.returncode == 74 and found.stderr.count("\n") == 1
    assert (results / "out" / "index.html").read_bytes() == before
    assert [entry.name for entry in (results / "out").iterdir()] == ["index.html"]


def test_a_missing_library_names_its_package(results: pathlib.Path) -> None:
    text = pathlib.Path(f"{LIBEXEC}/faultline-report").read_text()
    changed = results / "faultline-report"
    changed.write_text(text.replace("numpy matplotlib jinja2", "numpy nosuchlibrary"))
    changed.chmod(0o755)
    found = run(changed, "r.json", cwd=results)
    assert found.returncode == 69
    assert (
        found.stderr
        == "faultline report: Python lacks nosuchlibrary; apt-get install python3-nosuchlibrary\n"
    )
