"""The history: what is kept of a run, in both databases; what it shows; and what it refuses."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import fake_documents
import numpy as np
import postgres_server
import pytest
import sqlalchemy as sa
from faultline_reports import document as document_reader
from faultline_reports.errors import UserError
from faultline_reports.history import __main__ as history
from faultline_reports.history import adding, exchange, picture, points, schema, store
from faultline_reports.history.model import VERSION, Point, Record, Run, Series

REPORTS = pathlib.Path(__file__).parent.parent
FIRST_DAY = datetime.datetime(2026, 1, 1, 3, 0, tzinfo=datetime.timezone.utc)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg2", reason="SKIPPED: python3-psycopg2 is not installed")
    if postgres_server.programs() is None:
        pytest.skip("SKIPPED: postgresql is not installed")
    with postgres_server.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    """An empty history."""
    if request.param == "sqlite":
        yield str(tmp_path / "new" / "history.sqlite")
        return
    url: str = request.getfixturevalue("server")
    yield url
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


def document(
    night: int = 0, rounds: int = 6, effect: float = 1.0, arms: tuple[str, ...] = ("system", "mine")
) -> dict[str, Any]:
    """A night's run; "mine" needs `effect` times its CPU time."""
    fake_documents.ALLOCATORS["mine"] = (effect, 1.0, 1.0, 0.5, "1", "/opt/mine.so")
    made: dict[str, Any] = fake_documents.make(
        seed=night + 1, rounds=rounds, workloads=fake_documents.WORKLOADS[:2], allocators=arms, samples=0,
        floor=False, shape_spread=0.0,
    )  # fmt: skip
    for allocator in made["plan"]["allocators"]:
        allocator["sha256"] = hashlib.sha256(allocator["name"].encode()).hexdigest()
    started = FIRST_DAY + datetime.timedelta(days=night)
    made["tool"]["started"] = started.isoformat().replace("+00:00", "Z")
    return made


def written(tmp_path: pathlib.Path, name: str, value: Any) -> str:
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return str(path)


def nights(tmp_path: pathlib.Path, count: int = 30, step_at: int = 18, effect: float = 1.12) -> list[str]:
    return [
        written(tmp_path, f"night-{n}.json", document(n, effect=effect if n >= step_at else 1.0))
        for n in range(count)
    ]


def record(number: int, values: dict[str, float], host: str = "ab" * 16) -> Record:
    run = Run(f"{number:064x}", number * 86_400 * 10**9, f"{number:040x}", host, "0", "quick", 5)
    made = {
        Series(host, name, "w", "mine", "cpu_ns_per_operation", "system@1"): Point(v, v - 0.01, v + 0.01, 5.0)
        for name, v in values.items()
    }
    return Record(run, made)


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        history.run(["--help"])
    said = capsys.readouterr().out
    listed = [line.split()[0] for line in said.splitlines() if line.startswith("    ")]
    assert listed == ["add", "show", "runs", "detect", "prune", "export", "import", "bisect"]


def test_the_same_run_twice_is_one_run(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "one.json", document())
    again = written(tmp_path, "again.json", json.dumps(document(), indent=2, sort_keys=True))
    assert history.run(["add", path, "--db", place]) == 0
    assert history.run(["add", again, path, "--db", place]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "figures added" in said[0]
    assert [line.partition(": ")[2] for line in said[1:]] == ["was there already"] * 2
    with store.opened(place) as opened:
        assert len(opened.runs()) == 1


def test_times_are_kept_relative_to_the_reference_and_counts_alone() -> None:
    fake = document(effect=1.5, rounds=10)
    loaded = document_reader.parse(json.dumps(fake).encode(), "x")
    kept = points.record(fake, loaded, "abc", None).record
    times = {one: p for one, p in kept.points.items() if one.metric == "cpu_ns_per_operation"}
    assert {one.allocator for one in times} == {"mine"}
    assert all(one.reference.startswith("system@") for one in times)
    assert all(p.low <= math.log(1.5) + 0.05 and p.high >= math.log(1.5) - 0.05 for p in times.values())
    memory = {one: p for one, p in kept.points.items() if one.metric == "peak_heap_bytes"}
    assert {one.allocator for one in memory} == {"system", "mine"}
    assert all(math.exp(p.centre) == pytest.approx(p.median, rel=0.02) for p in memory.values())
    assert {one.reference for one in memory} == {""}


def test_without_a_reference_no_times_are_kept(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "one.json", document(arms=("mine", "jemalloc")))
    place = str(tmp_path / "h.sqlite")
    history.run(["add", path, "--db", place])
    assert "no times are kept" in capsys.readouterr().out
    with store.opened(place) as opened:
        assert not [one for one in opened.table().series if one.metric.endswith("_ns_per_operation")]
    with pytest.raises(UserError, match="has no allocator 'tcmalloc'"):
        history.run(["add", path, "--db", place, "--reference", "tcmalloc"])


def test_other_parameters_another_host_or_another_reference_are_another_series(
    tmp_path: pathlib.Path,
) -> None:
    place = str(tmp_path / "h.sqlite")
    changed = [document(n) for n in range(4)]
    changed[1]["plan"]["workloads"][0]["parameters"] = {"size": "65"}
    changed[2]["host"]["fingerprint"] = "ff" * 32
    next(a for a in changed[3]["plan"]["allocators"] if a["name"] == "system")["sha256"] = "9" * 64
    paths = [written(tmp_path, f"{n}.json", value) for n, value in enumerate(changed)]
    history.run(["add", *paths, "--db", place])
    with store.opened(place) as opened:
        label = f"{fake_documents.WORKLOADS[0][0]}/mine/cpu_ns_per_operation"
        table = opened.table(lambda one: one.label == label)
    assert len(table.series) == 4 and np.isfinite(table.centres).sum() == 4


def test_a_known_step_is_found_with_date_revision_size_and_interval(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in enumerate(nights(tmp_path)):
        history.run(["add", path, "--db", place, "--revision", f"{number:040x}"])
    capsys.readouterr()
    assert history.run(["detect", "--db", place, "--json", "--fail-on-change", "20"]) == 1
    found = json.loads(capsys.readouterr().out)
    times = [c for c in found["changes"] if c["metric"] == "cpu_ns_per_operation"]
    assert {c["workload"] for c in times} == {row[0] for row in fake_documents.WORKLOADS[:2]}
    for change in times:
        assert change["date"] == "2026-01-19T03:00:00Z" and change["revision"] == f"{18:040x}"
        assert change["previous_revision"] == f"{17:040x}" and change["runs_since"] == 12
        assert change["interval"][0] <= math.log(1.12) <= change["interval"][1]
        assert change["word"] == "slower" and change["p"] < 0.001
    assert not [c for c in found["changes"] if c["metric"].startswith("peak")]
    assert history.run(["detect", "--db", place, "--fail-on-change", "5"]) == 0
    assert "E-divisive" in capsys.readouterr().out


def test_the_newest_run_alone_asks_for_another_run(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "h.sqlite")
    history.run(["add", *nights(tmp_path, count=20, step_at=19, effect=1.3), "--db", place])
    capsys.readouterr()
    history.run(["detect", "--db", place, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["changes"] == []
    assert {s["metric"] for s in found["suspects"]} >= {"cpu_ns_per_operation"}
    assert all(s["date"].startswith("2026-01-20") for s in found["suspects"])


def test_show_lists_series_and_draws_one(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "h.sqlite")
    history.run(["add", *nights(tmp_path), "--db", place])
    capsys.readouterr()
    history.run(["show", "--db", place])
    out = capsys.readouterr().out
    assert out.startswith("30 runs, 2026-01-01 to 2026-01-30") and "▁" in out and "to system" in out
    label = f"{fake_documents.WORKLOADS[0][0]}/mine/cpu_ns_per_operation"
    svg = tmp_path / "one.svg"
    history.run(["show", label, "--db", place, "--svg", str(svg)])
    out = capsys.readouterr().out
    assert "^" in out and "1 change point" in out and any(0x2800 < ord(c) < 0x2900 for c in out)
    root = ElementTree.fromstring(svg.read_text("utf-8"))
    assert len([e for e in root.iter() if e.get("stroke-dasharray")]) == 1
    history.run(["show", label, "--db", place, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["points"]) == 30 and len(shown["changes"]) == 1
    assert all(p["low"] <= p["centre"] <= p["high"] and p["median"] > 0 for p in shown["points"])
    with pytest.raises(UserError, match="holds no such series"):
        history.run(["show", "nothing-such", "--db", place])
    with pytest.raises(UserError, match="series are named"):
        history.run(["show", "--db", place, "--svg", str(svg)])


def test_runs_are_listed_oldest_first(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in enumerate(nights(tmp_path, 3)):
        history.run(["add", path, "--db", place, "--revision", f"{number:040x}"])
    capsys.readouterr()
    history.run(["runs", "--db", place])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["date", "revision", "host", "suite", "rounds"]
    assert [line.split()[0] for line in lines[1:]] == [f"2026-01-0{n}T03:00:00Z" for n in (1, 2, 3)]
    history.run(["runs", "--last", "1", "--json", "--db", place])
    (newest,) = json.loads(capsys.readouterr().out)["runs"]
    assert newest["revision"] == f"{2:040x}" and newest["date"] == "2026-01-03T03:00:00Z"


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0], [0.0, -2.0, 5.0], [1e-12, 2e-12]])
def test_pictures_of_few_or_equal_values(values: list[float]) -> None:
    shown = picture.Picture(
        "a<b", "", np.array(values), ["2026-01-01"] * len(values), [(0, 0, values[0])], []
    )
    assert len(picture.chart(shown, 60, 5)) == 7
    assert len(picture.line(np.array(values), 10)) == len(values)
    ElementTree.fromstring(picture.svg(shown))


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv"])
def test_what_is_exported_is_imported_again(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    history.run(["add", *nights(tmp_path, 5), "--db", place, "--revision", "0123456789abcdef"])
    exported, second = tmp_path / name, tmp_path / f"second-{name}"
    history.run(["export", "--db", place, "-o", str(exported)])
    other = str(tmp_path / "other.sqlite")
    capsys.readouterr()
    history.run(["import", str(exported), "--db", other])
    assert capsys.readouterr().out == "5 runs added\n"
    history.run(["import", str(exported), "--db", other])
    assert capsys.readouterr().out == "0 runs added, 5 there already\n"
    history.run(["export", "--db", other, "-o", str(second)])
    assert second.read_bytes() == exported.read_bytes() and exported.stat().st_size > 1000


def test_adding_needs_no_sqlalchemy_and_leaves_what_it_would(tmp_path: pathlib.Path) -> None:
    """The history is there: its first run made it."""
    paths = nights(tmp_path, 4)
    quick, whole = str(tmp_path / "quick.sqlite"), str(tmp_path / "whole.sqlite")
    history.run(["add", paths[0], "--db", quick])
    script = (
        "import sys; from faultline_reports.history import __main__ as history; "
        f"history.run(['add', *{paths[1:]!r}, {paths[1]!r}, '--db', {quick!r}]); "
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic', 'matplotlib')))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": str(REPORTS)})
    with store.opened(quick) as opened:
        records = list(opened.records())
    assert len(records) == 4
    with store.opened(whole, create=True) as opened:
        assert [opened.add(one) for one in records] == [True] * 4
        assert list(opened.records()) == records
    with sqlite3.connect(quick) as first, sqlite3.connect(whole) as second:
        for table in ("runs", "series", "layouts", "centres", "details"):
            rows = [sorted(one.execute(f"SELECT * FROM {table}")) for one in (first, second)]
            assert rows[0] == rows[1], table


def test_an_import_that_breaks_off_adds_nothing(tmp_path: pathlib.Path) -> None:
    lines = list(exchange.json_lines([record(1, {"a": 0.0}), record(2, {"a": 0.1})]))
    path = written(tmp_path, "broken.jsonl", lines[0] + lines[1][:-20])
    place = tmp_path / "h.sqlite"
    with pytest.raises(UserError, match="broken.jsonl:2"):
        history.run(["import", path, "--db", str(place)])
    assert not place.exists()


GOOD_LINE = json.loads(next(exchange.json_lines([record(1, {"a": 0.0})])))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("[1]", "lacks the columns"),
        ("digest,rounds\n1,2\n", "lacks the columns started_ns"),
        ('{"schema": "faultline-history/1"}', "`digest` is missing"),
        ('{"schema": "other/1"}', "is not faultline-history/1"),
        (json.dumps({**GOOD_LINE, "started_ns": "soon"}), "`started_ns` is not a whole number"),
        (json.dumps({**GOOD_LINE, "started_ns": -4}), "`started_ns` is not a whole number"),
        (json.dumps({**GOOD_LINE, "digest": "../x"}), "`digest` is not a digest"),
        (json.dumps({**GOOD_LINE, "points": [{}]}), "is missing"),
        (json.dumps(GOOD_LINE).replace('"centre": 0.0', '"centre": NaN'), "holds NaN"),
        (json.dumps(GOOD_LINE).replace('"centre": 0.0', '"centre": 1e400'), "larger than any figure"),
        (json.dumps(GOOD_LINE).replace('"centre": 0.0', '"centre": null'), "is missing"),
    ],
)
def test_broken_imports_say_what_is_wrong(tmp_path: pathlib.Path, text: str, said: str) -> None:
    path = written(tmp_path, "broken", text)
    with pytest.raises(UserError, match=said):
        history.run(["import", path, "--db", str(tmp_path / "h.sqlite")])


def test_csv_with_words_for_numbers_is_refused(tmp_path: pathlib.Path) -> None:
    text = "".join(exchange.csv_lines([record(1, {"a": 0.0})])).replace(",0.0,", ",nan,")
    with pytest.raises(UserError, match=r"broken.csv:2.*`centre` is a text, not a number"):
        history.run(["import", written(tmp_path, "broken.csv", text), "--db", str(tmp_path / "h.sqlite")])


def test_prune_takes_the_oldest_and_what_nobody_has_then(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.opened(place, create=True) as opened:
        opened.add_together([record(n, {"old": 0.0} if n < 4 else {"new": 0.0}) for n in range(10)])
    history.run(["prune", "--keep", "6", "--dry-run", "--db", place])
    assert capsys.readouterr().out == "4 runs would be taken away\n"
    history.run(["prune", "--before", "1970-01-03", "--db", place])
    assert capsys.readouterr().out == "2 runs taken away\n"
    history.run(["prune", "--keep", "6", "--db", place])
    with store.opened(place) as opened:
        assert len(opened.runs()) == 6
        table = opened.table()
    assert [one.workload for one in table.series] == ["new"] and table.centres.shape == (6, 1)
    with pytest.raises(UserError, match="nothing says what to take away"):
        history.run(["prune", "--db", place])


WRITER = """
import sys
from faultline_reports.history import writing
from history_test import record
for n in map(int, sys.argv[2:]):
    with writing.opened(sys.argv[1]) as opened:
        opened.add(record(n, {f"w{n % 7}": float(n), f"x{n}": 1.0}))
"""


def test_concurrent_writers_lose_nothing(place: str) -> None:
    """Each of six processes makes the history where it is missing, and all but the shared runs are its
    own."""
    mine = [[*range(100 * p, 100 * p + 12), 1, 2, 3] for p in range(6)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, place, *map(str, numbers)],
            cwd=REPORTS / "tests",
            env={"PYTHONPATH": f"{REPORTS}:{REPORTS / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
            stderr=subprocess.PIPE,
        )
        for numbers in mine
    ]
    for process in started:
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said.decode()
    wanted = {n for numbers in mine for n in numbers}
    with store.opened(place) as opened:
        assert len(opened.runs()) == len(wanted)
        table = opened.table()
    for column, one in enumerate(table.series):
        values = table.centres[:, column]
        number = int(one.workload[1:])
        expected = [n for n in wanted if n % 7 == number] if one.workload[0] == "w" else [1.0]
        assert sorted(values[~np.isnan(values)]) == sorted(map(float, expected))


def test_runners_of_a_team_add_while_others_read(place: str, tmp_path: pathlib.Path) -> None:
    """The command itself, as many runners of two hosts call it; what is read meanwhile is whole runs."""
    paths = []
    for number in range(12):
        made = document(number % 6)
        if number >= 6:
            made["host"]["fingerprint"] = "ff" * 32
        paths.append(written(tmp_path, f"{number}.json", made))
    environment = {**os.environ, "PYTHONPATH": str(REPORTS), "PYTHONDONTWRITEBYTECODE": "1"}
    adding = [
        subprocess.Popen(
            [*(sys.executable, "-m", "faultline_reports.history", "add", "--db", place), *some, paths[0]],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for some in (paths[0:3], paths[3:6], paths[6:9], paths[9:12])
    ]
    seen, figures = [0], set()
    while any(process.poll() is None for process in adding):
        try:
            with store.opened(place) as opened:
                table = opened.table()
        except UserError as error:
            assert "has no history yet" in error.line()
            continue
        seen.append(len(table.runs))
        figures |= set(np.isfinite(table.centres).sum(axis=1).tolist())
    for process in adding:
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said.decode()
    assert seen == sorted(seen) and len(figures) <= 1
    with store.opened(place) as opened:
        assert len(opened.runs()) == 12
        table = opened.table()
    assert {one.fingerprint for one in table.series} == {run.fingerprint for run in table.runs}
    for column, one in enumerate(table.series):
        of_host = [run.fingerprint == one.fingerprint for run in table.runs]
        assert np.isfinite(table.centres[:, column]).tolist() == of_host


def test_a_writer_that_is_killed_leaves_whole_runs(tmp_path: pathlib.Path) -> None:
    place = str(tmp_path / "h.sqlite")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, place, *map(str, range(90_000))],
        cwd=REPORTS / "tests",
        env={"PYTHONPATH": f"{REPORTS}:{REPORTS / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        for _ in range(3000):
            if pathlib.Path(place).exists() and _count(place) > 20:
                break
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    with store.opened(place, create=True) as opened:
        whole = list(opened.records())
        assert len(whole) > 20 and all(len(one.points) == 2 for one in whole)
        assert opened.add(record(99_999, {"a": 0.0}))


def _count(place: str) -> int:
    connection = sqlite3.connect(place, timeout=10)
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def test_migrations_lead_to_the_tables_that_are_used(place: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(REPORTS / "faultline_reports/history/migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == VERSION
    with store.opened(place, create=True):
        pass
    url = place if "://" in place else f"sqlite:///{place}"
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_a_history_of_a_newer_version_is_left_alone(place: str) -> None:
    with store.opened(place, create=True):
        pass
    engine = sa.create_engine(place if "://" in place else f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UserError, match="was written by a newer faultline"):
        with store.opened(place, create=True):
            pass


def test_what_is_no_history_is_refused(tmp_path: pathlib.Path) -> None:
    garbage = written(tmp_path, "garbage", "no database at all, however long it goes on" * 50)
    other = str(tmp_path / "other.sqlite")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    cases = [
        (str(tmp_path / "missing"), "has no history yet"),
        (garbage, "is not a history: no database"),
        (other, "is a database of something else"),
        (str(tmp_path), "is a directory"),
        ("mysql://x/y", "mysql is not supported"),
        ("://", "is not a database's URL"),
        ("postgresql://me:secret@127.0.0.1:1/none", "Connection refused|connection to server"),
        (":memory:", "names no file"),
    ]
    for place, said in cases:
        with pytest.raises(UserError, match=said) as caught:
            history.run(["detect", "--db", place])
        assert "secret" not in caught.value.line() and "\n" not in caught.value.line()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(trials=[]), "holds no whole round"),
        (lambda d: d["host"].pop("fingerprint"), "does not say which host"),
        (lambda d: d["tool"].pop("started"), "does not say when it was run"),
        (lambda d: d["tool"].update(started="yesterday"), "does not say when it was run"),
        (lambda d: d.update(schema="other"), 'not "faultline-results/1"'),
        (lambda d: [t.update(valid=False) for t in d["trials"]], "holds no figure to keep"),
    ],
)
def test_documents_that_cannot_be_kept(tmp_path: pathlib.Path, change: Any, said: str) -> None:
    fake = document(rounds=2)
    change(fake)
    place = tmp_path / "h.sqlite"
    with pytest.raises(UserError, match=said):
        history.run(["add", written(tmp_path, "x.json", fake), "--db", str(place)])
    assert not place.exists()


def test_odd_but_usable_documents_are_kept(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One round, no faults at all, a figure of 0, a run that was cut short."""
    one = document(0, rounds=1)
    zeros = document(1, rounds=3)
    for trial in zeros["trials"]:
        for phase in trial["phases"]:
            phase.update(minor_faults=0)
        trial["phases"][2].update(cpu_ns=0)
    short = document(2, rounds=4)
    fake_documents.kill(short, len(short["trials"]) - 1)
    paths = [written(tmp_path, f"{n}.json", value) for n, value in enumerate([one, zeros, short])]
    assert history.run(["add", *paths, "--db", str(tmp_path / "h.sqlite")]) == 0
    assert "the run was cut short" in capsys.readouterr().out
    assert history.run(["show", "--db", str(tmp_path / "h.sqlite")]) == 0
    assert history.run(["detect", "--db", str(tmp_path / "h.sqlite")]) == 0
    assert "no change point in 0 series over 3 runs" in capsys.readouterr().out


def test_series_that_do_not_vary_or_have_holes(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(1)
    with store.opened(place, create=True) as opened:
        for n in range(40):
            values = {"constant": 1.0, "step": 0.0 if n < 20 else 0.5}
            if n % 3:
                values["holes"] = rng.gauss(0.0 if n < 25 else 0.3, 0.01)
            opened.add(record(n, values))
    history.run(["detect", "--db", place, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert {(c["workload"], c["date"][:10]) for c in found["changes"]} == {
        ("step", "1970-01-21"),
        ("holes", "1970-01-26"),
    }


def test_a_revision_is_a_commit(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "x.json", document())
    monkeypatch.chdir(tmp_path)
    for bad in ("no-such-branch", "--all", "; rm -rf"):
        with pytest.raises(UserError, match="is no commit here"):
            history.run(["add", path, "--db", "h.sqlite", f"--revision={bad}"])
    assert adding.commit_of("0123abc") == "0123abc"
