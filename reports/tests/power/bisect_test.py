"""Bisection with real builds and trials: a slowdown planted in a small allocator is found where it is."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess

import pytest

LIBEXEC = pathlib.Path(os.environ.get("FAULTLINE_LIBEXEC", "/nonexistent"))
PROGRAM = LIBEXEC / "../../bin/faultline"
PLANTED = 5

# glibc's malloc with so many idle turns before each call.
SOURCE = """#include <stddef.h>
#define TURNS %d
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);
void *malloc(size_t size) {
    for (int turn = 0; turn < TURNS; ++turn) __asm__ volatile("" ::: "memory");
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) { return __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return __libc_realloc(block, size); }
void *memalign(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }
int posix_memalign(void **block, size_t alignment, size_t size) {
    return (*block = __libc_memalign(alignment, size)) ? 0 : 12;
}
void free(void *block) { __libc_free(block); }
"""

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists() or shutil.which("cc") is None, reason="FAULTLINE_LIBEXEC names no build tree"
)


def test_a_planted_slowdown_is_found(tmp_path: pathlib.Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=A U Thor", "-c", "user.email=a@b"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    (tmp_path / ".git/info/exclude").write_text("gate.toml\n")
    # A slowdown as large as this one shows in the fewest rounds that a gate takes for whole.
    (tmp_path / "gate.toml").write_text("rounds = 12\nconfirm_rounds = 16\n")
    commits = []
    for number in range(9):
        text = SOURCE % (60 if number >= PLANTED else 1) + f"int version = {number};\n"
        (tmp_path / "mine.c").write_text(text + ("no C\n" if number == 2 else ""))
        git("add", "mine.c")
        git("commit", "-q", "-m", f"Version {number}")
        commits.append(git("rev-parse", "HEAD"))
    done = subprocess.run(
        [
            *(str(PROGRAM), "history", "bisect", "--good", commits[0], "--bad", "main", "--json"),
            *("--build", "cc -O2 -shared -fPIC mine.c -o libmine.so", "--library", "libmine.so"),
            *(
                "--metric",
                "cpu_ns_per_operation",
                "--run-option=--idle-ms=0",
                "--budget",
                "3m",
                "glibc-simple",
            ),
        ],
        cwd=tmp_path,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stderr, done.stdout)
    assert done.returncode == 0
    assert json.loads(done.stdout)["found"] == [commits[PLANTED]]
    assert git("status", "--porcelain") == "" and len(git("worktree", "list").splitlines()) == 1
