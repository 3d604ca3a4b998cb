"""Every command that the documentation shows is run as it stands: ```console blocks, lines that begin with `$ `."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("FAULTLINE", ROOT / "build/release/bin/faultline")).parent.parent
PAGES = sorted(
    page
    for page in ROOT.glob("**/*.md")
    if not {"build", "out", "node_modules"} & set(page.relative_to(ROOT).parts)
    and "```console" in page.read_text()
)


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run(page: Path, tmp_path: Path) -> None:
    assert commands(page)
    if os.geteuid() != 0 and "as root" in page.read_text():
        pytest.skip("the page's commands are for root")
    environment = {
        **os.environ,
        "PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}:{ROOT / 'ci'}",  # last: it has an `install`
        "LD_LIBRARY_PATH": str(BUILD / "lib"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for command in commands(page):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode == 69:  # this host lacks what it needs, and the program said what
            pytest.skip(done.stderr)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "nothing of these groups was counted" not in done.stdout, f"{command}\n{done.stdout}"
