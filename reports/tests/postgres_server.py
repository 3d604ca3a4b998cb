"""A PostgreSQL server for tests: a new cluster in a temporary directory, reached by a socket there."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any


def programs() -> str | None:
    """Where initdb and pg_ctl are: Debian keeps them off PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    place = found[-1] if found else shutil.which("initdb")
    return os.path.dirname(place) if place else None


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of a server that runs. It refuses to run as root, so there it is the user that the package
    made."""
    place = programs()
    assert place is not None
    directory = tempfile.mkdtemp(prefix="faultline-postgres-")
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(directory, user.pw_uid, user.pw_gid)
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [os.path.join(place, program), *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
            **identity,
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}"

    data = os.path.join(directory, "data")
    try:
        call("initdb", "-D", data, "-U", "faultline", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        settings = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
        log = os.path.join(directory, "log")
        call("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", settings)
        try:
            yield f"postgresql://faultline@/postgres?host={directory}"
        finally:
            call("pg_ctl", "stop", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
