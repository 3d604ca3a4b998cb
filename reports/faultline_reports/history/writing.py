"""Adding runs to a history, by the statements of the database itself.

It does without SQLAlchemy, whose import takes longer than an addition: a file of this version is opened by
the standard library's sqlite3. What has to be made, migrated or reached over a network is opened by store.py,
and the run is put in by the same statements.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from faultline_reports.errors import Exit, UserError
from faultline_reports.history.model import SERIES_KEY, VERSION, Record, Series

WAIT_S = 60  # for another writer
REMEDY = "name a file, or postgresql://USER@HOST/DATABASE"

# Runs a statement, in which each ? stands for a value, inside a transaction; its cursor.
Execute = Callable[[str, Sequence[Any]], Any]


def default_place() -> str:
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.environ.get("FAULTLINE_HISTORY") or os.path.join(home, "faultline", "history.sqlite")


class Writer(Protocol):
    """A history that can be added to. `where`: its name for people, without a password."""

    where: str

    def add(self, record: Record) -> bool:
        """Whether it was new. It is there whole or not at all, once. Raises UserError."""


@contextlib.contextmanager
def opened(place: str) -> Iterator[Writer]:
    """The history at `place`, a file's name or a URL, which is made where there is none. Raises UserError."""
    ready = _File.of(place) if "://" not in place else None
    if ready is not None:
        with contextlib.closing(ready.connection):
            yield ready
        return
    from faultline_reports.history import store  # SQLAlchemy and Alembic

    with store.opened(place, create=True) as history:
        yield history


class _File:
    """A SQLite file that holds a history of this version."""

    def __init__(self, where: str, connection: sqlite3.Connection) -> None:
        self.where = where
        self.connection = connection

    @classmethod
    def of(cls, place: str) -> _File | None:
        """None for what is no such file: store.py says why, or makes it one."""
        if not os.path.isfile(place):
            return None
        try:
            connection = sqlite3.connect(place, timeout=WAIT_S, isolation_level=None)
        except sqlite3.Error:
            return None
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            if connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(VERSION,)]:
                return cls(place, connection)
        except sqlite3.Error:
            pass
        connection.close()
        return None

    def add(self, record: Record) -> bool:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            with self.connection:  # commits, or takes all of it back
                return insert_run(self.connection.execute, record)
        except sqlite3.Error as error:
            raise said(self.where, str(error)) from None


def insert_run(execute: Execute, record: Record) -> bool:
    """Puts a run into the tables of schema.py; False where it is there already."""
    run = vars(record.run)
    if _insert(execute, "runs", run).rowcount != 1:
        return False
    number = execute("SELECT id FROM runs WHERE digest = ?", (record.run.digest,)).fetchone()[0]
    ordered = sorted(record.points, key=key_of)
    ids = _series_ids(execute, record.run.fingerprint, ordered)
    layout = _layout_id(execute, struct.pack(f"<{len(ordered)}i", *(ids[one] for one in ordered)))
    points = [record.points[one] for one in ordered]
    centres = struct.pack(f"<{len(points)}d", *(point.centre for point in points))
    rest = [value for point in points for value in (point.low, point.high, point.median)]
    _insert(execute, "centres", {"run": number, "layout": layout, "numbers": centres})
    _insert(execute, "details", {"run": number, "numbers": struct.pack(f"<{len(rest)}d", *rest)})
    return True


def key_of(one: Series) -> tuple[str, ...]:
    return tuple(getattr(one, name) for name in SERIES_KEY)


def _insert(execute: Execute, table: str, values: dict[str, Any]) -> Any:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    return execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING", tuple(values.values())
    )


def _series_ids(execute: Execute, fingerprint: str, wanted: Sequence[Series]) -> dict[Series, int]:
    """Of series that are all of one host; those that are new are made, in one order for all writers."""

    def known() -> dict[Series, int]:
        rows = execute(
            f"SELECT id, {', '.join(SERIES_KEY)} FROM series WHERE fingerprint = ?", (fingerprint,)
        )
        return {Series(*row[1:]): row[0] for row in rows.fetchall()}

    found = known()
    missing = [one for one in wanted if one not in found]
    for one in missing:
        _insert(execute, "series", dict(zip(SERIES_KEY, key_of(one))))
    return known() if missing else found


def _layout_id(execute: Execute, packed: bytes) -> int:
    digest = hashlib.sha256(packed).hexdigest()

    def known() -> Any:
        return execute("SELECT id FROM layouts WHERE digest = ?", (digest,)).fetchone()

    found = known()
    if found is None:
        _insert(execute, "layouts", {"digest": digest, "series": packed})
        found = known()
    return int(found[0])


def said(where: str, text: str) -> UserError:
    """What the database said, in one line."""
    if "not a database" in text:
        return UserError(Exit.DATA, where, "is not a history: no database", REMEDY)
    if "unable to open" in text:
        return UserError(Exit.CANNOT_CREATE, where, "cannot be opened or created", REMEDY)
    if "readonly" in text:
        return UserError(Exit.CANNOT_CREATE, where, "may not be written to", REMEDY)
    if "locked" in text:
        return UserError(Exit.UNAVAILABLE, where, f"is in use for more than {WAIT_S} s", "try again")
    return UserError(Exit.UNAVAILABLE, where, text[:300], "see that the database is there and may be used")
