"""An allocator's repository as its maintainers have it: a branch `main`, and a change on a branch `change`."""

import subprocess
from pathlib import Path

SOURCE = (Path(__file__).resolve().parent.parent / "example" / "mine.c").read_text()
BUILD = "cc -O2 -fno-builtin -shared -fPIC -o libmine.so mine.c"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A Maintainer", "-c", "user.email=maintainer@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def make(folder: Path, delay_before: int, delay_after: int, broken: bool = False) -> Path:
    """`delay_before` and `delay_after`: turns of an idle loop in malloc, on main and on the branch `change`."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for branch, delay in (("main", delay_before), ("change", delay_after)):
        if branch == "change":
            git(folder, "checkout", "-q", "-b", branch)
        text = f"#define DELAY {delay}\n{SOURCE}" + (
            "#error planted\n" if broken and branch == "change" else ""
        )
        (folder / "mine.c").write_text(text + f"/* {branch} */\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"An allocator, {branch}")
    return folder
