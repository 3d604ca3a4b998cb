"""Git revisions of a project to libraries: each is checked out apart, built, and its library kept.

Checkouts are clones that share the repository's objects, in a directory of their own: nothing is written to
the repository, so it is as it was however this ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from faultline_reports.errors import Exit, UserError

NAME_LENGTH = 40


class BuildError(Exception):
    """Why a revision has no library, in words."""


def arms_of(names: Sequence[str], command: str | None, library: str | None, directory: str) -> list[str]:
    """The arms NAME=path.so of two revisions, with the libraries in `directory`. Raises UserError."""
    if command is None or library is None:
        raise UserError(
            Exit.USAGE,
            "--revisions",
            "needs --build and --library",
            "write for example --build 'make -j4' --library build/libmine.so",
        )
    check_library(library)
    arms = []
    for number, revision in enumerate(names):
        try:
            built = build(commit_of(revision), command, library, directory)
        except BuildError as reason:
            raise UserError(
                Exit.DATA, revision, str(reason), "run the build in a checkout of that revision"
            ) from None
        arms.append(f"{_name(number, names)}={built}")
    return arms


def check_library(library: str) -> None:
    if os.path.isabs(library) or ".." in library.split("/"):
        raise UserError(
            Exit.USAGE, "--library", f"{library} is not inside a checkout", "give it relative to its top"
        )


def commit_of(revision: str) -> str:
    return git(
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        where=revision,
        failed="is not a revision here",
    )


def _name(number: int, names: Sequence[str]) -> str:
    """A name for an arm: the revision, without what a name cannot hold."""
    cleaned = [re.sub(r"[^A-Za-z0-9._+-]", "-", name)[:NAME_LENGTH] for name in names]
    reserved = cleaned[number] in ("system", "null") or cleaned[0] == cleaned[1]
    return f"{cleaned[number]}-{'old' if number == 0 else 'new'}" if reserved else cleaned[number]


def build(commit: str, command: str, library: str, directory: str) -> str:
    """The library that `command`, run by sh in a checkout of `commit`, leaves at `library`; kept under its
    own name in `directory`. Raises BuildError, or UserError when it cannot be checked out."""
    kept = os.path.join(directory, commit, os.path.basename(library))
    if os.path.exists(kept):
        return kept
    checkout = os.path.join(directory, f"checkout-{commit}")
    top = git("rev-parse", "--show-toplevel", where=commit)
    git("clone", "--quiet", "--shared", "--no-checkout", top, checkout, where=commit)
    try:
        git("-C", checkout, "checkout", "--quiet", "--detach", commit, where=commit)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode != 0:
            raise BuildError(f"the build ended with status {done.returncode}: {_last_line(done.stdout)}")
        made = os.path.join(checkout, library)
        if not os.path.isfile(made):
            raise BuildError(f"the build made no {library}")
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        shutil.copy(made, kept)
    finally:
        shutil.rmtree(checkout, ignore_errors=True)
    return kept


def git(*arguments: str, where: str, failed: str = "git failed") -> str:
    """What git says, in the repository here. Raises UserError."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError(Exit.UNAVAILABLE, "git", "is not installed", "apt-get install git") from None
    if done.returncode != 0:
        said = _last_line(done.stderr) or failed
        raise UserError(Exit.DATA, where, said, "run this in the project's repository")
    return done.stdout.decode("utf-8", "replace").strip()


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
