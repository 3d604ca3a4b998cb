"""Two git revisions of a project to two libraries: each is checked out apart, built, and its library kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from faultline_reports.errors import Exit, UserError

NAME_LENGTH = 40


def build(names: Sequence[str], command: str | None, library: str | None, directory: str) -> list[str]:
    """The arms NAME=path.so of both revisions, with the libraries in `directory`. Raises UserError."""
    if command is None or library is None:
        raise UserError(
            Exit.USAGE,
            "--revisions",
            "needs --build and --library",
            "write for example --build 'make -j4' --library build/libmine.so",
        )
    if os.path.isabs(library) or ".." in library.split("/"):
        raise UserError(
            Exit.USAGE, "--library", f"{library} is not inside a checkout", "give it relative to its top"
        )
    arms = []
    for number, revision in enumerate(names):
        commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", where=revision)
        arms.append(
            f"{_name(revision, number, names)}={_build_one(commit, revision, command, library, directory)}"
        )
    return arms


def _name(revision: str, number: int, names: Sequence[str]) -> str:
    """A name for an arm: the revision, without what a name cannot hold."""
    cleaned = [re.sub(r"[^A-Za-z0-9._+-]", "-", name)[:NAME_LENGTH] for name in names]
    reserved = cleaned[number] in ("system", "null") or cleaned[0] == cleaned[1]
    return f"{cleaned[number]}-{'old' if number == 0 else 'new'}" if reserved else cleaned[number]


def _build_one(commit: str, revision: str, command: str, library: str, directory: str) -> str:
    checkout = os.path.join(directory, f"checkout-{commit}")
    kept = os.path.join(directory, f"{commit}.so")
    if os.path.exists(kept):
        return kept
    _git("worktree", "add", "--detach", checkout, commit, where=revision)
    try:
        done = subprocess.run(
            ["sh", "-c", command], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode != 0:
            raise UserError(
                Exit.DATA,
                revision,
                f"the build ended with status {done.returncode}: {_last_line(done.stdout)}",
                "run it in a checkout of that revision",
            )
        made = os.path.join(checkout, library)
        if not os.path.isfile(made):
            raise UserError(Exit.DATA, revision, f"the build made no {library}", "correct --library")
        shutil.copy(made, kept)
    finally:
        _git("worktree", "remove", "--force", checkout, where=revision)
    return kept


def _git(*arguments: str, where: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError(Exit.UNAVAILABLE, "git", "is not installed", "apt-get install git") from None
    if done.returncode != 0:
        said = _last_line(done.stderr) or "is not a revision here"
        raise UserError(Exit.DATA, where, said, "run this in the project's repository")
    return done.stdout.decode("utf-8", "replace").strip()


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
