"""The documentation as it is installed: whole, and every link in it leads to a file."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ELSEWHERE = {
    "LICENSE"
}  # Debian has the text of its licenses in one place, and a package's `copyright` names it


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doc")
    command = ["cmake", "--install", os.environ["BUILD"], "--component", "doc", "--prefix", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (readme,) = folder.glob("share/doc/*/README.md")
    return readme.parent


def test_every_page_of_the_sources_is_there(installed: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "*.md", "*.png"], capture_output=True, text=True
    ).stdout.split()
    if not listed:
        pytest.skip("no checkout of git")
    pages = [page for page in listed if not re.search(r"(^|/)(tests|corpus)/", page)]
    assert [page for page in pages if not (installed / page).is_file()] == []


def test_every_link_leads_to_a_file(installed: Path) -> None:
    seen, broken = 0, []
    for page in installed.glob("**/*.md"):
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in link and link not in ELSEWHERE:
                seen += 1
                if not (page.parent / link).is_file():
                    broken.append(f"{page.relative_to(installed)}: {link}")
    assert broken == [] and seen > 30
