"""A history in SQLite or PostgreSQL: opening, migrating, adding, reading.

Writers may come from several processes at once: each addition is one transaction that waits for others, and
the unique digest of a run makes the second addition of the same run none. Raises UserError alone.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.pool import NullPool

from faultline_reports.errors import Exit, UserError
from faultline_reports.history import schema
from faultline_reports.history.model import SERIES_KEY, VERSION, Point, Record, Run, Series, Table
from faultline_reports.history.writing import REMEDY, WAIT_S, insert_run, said

_WRITERS = 0x6661756C74  # PostgreSQL's advisory lock for one writer at a time, as SQLite has it
_INT = np.dtype("<i4")
_FLOAT = np.dtype("<f8")


def _url(place: str) -> URL:
    """A file's name means SQLite."""
    if "://" not in place:
        return URL.create("sqlite", database=place)
    try:
        url = make_url(place)
    except sa.exc.ArgumentError:
        raise UserError(Exit.USAGE, "--db", "is not a database's URL", REMEDY) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg2")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UserError(Exit.USAGE, "--db", f"{url.get_backend_name()} is not supported", REMEDY)
    return url


class Store:
    """One open history. Use `opened()`."""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self.where = where  # for people: without a password

    @contextlib.contextmanager
    def _transaction(self, writes: bool) -> Iterator[Connection]:
        try:
            connection = self._engine.connect().execution_options(writes=writes)
            if not writes and connection.dialect.name == "postgresql":
                # One moment for all that is read, as SQLite has it: writers go on meanwhile.
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection, connection.begin():
                if writes and connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
                yield connection
        except sa.exc.DBAPIError as error:
            raise _said(self.where, error) from None

    def prepare(self, create: bool) -> None:
        """Brings the tables to this version; with `create` makes them where there are none."""
        with self._transaction(False) as connection:
            version = self._version(connection)
        if version == VERSION:
            return
        if version is None and not create:
            raise UserError(Exit.NO_INPUT, self.where, "has no history yet", "add a run first")
        with self._transaction(True) as connection:
            if self._version(connection) != VERSION:  # another process may have been first
                migrate(connection, self.where)

    def _version(self, connection: Connection) -> str | None:
        names = set(sa.inspect(connection).get_table_names())
        if "alembic_version" in names:
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return str(found) if found is not None else None
        if names:
            raise UserError(Exit.DATA, self.where, "is a database of something else", REMEDY)
        return None

    def add(self, record: Record) -> bool:
        """Whether it was new. It is there whole or not at all, once."""
        with self._transaction(True) as connection:
            return _insert_run(connection, record)

    def add_together(self, records: Iterable[Record]) -> int:
        """How many of them were new; in one transaction, all of them or none."""
        with self._transaction(True) as connection:
            return sum(_insert_run(connection, record) for record in records)

    def runs(self) -> list[Run]:
        with self._transaction(False) as connection:
            return [run for _, run in _runs(connection)]

    def table(self, wanted: Callable[[Series], bool] = lambda _: True) -> Table:
        """The values of the series that are `wanted`, over all runs that have one of them."""
        with self._transaction(False) as connection:
            runs, ids, series = _runs(connection), *_series(connection, wanted)
            numbers = connection.execute(
                sa.select(schema.centres.c.run, schema.centres.c.layout, schema.centres.c.numbers)
            ).all()
            layouts = _layouts(connection)
        places = _places(layouts, ids)
        row_of = {run: row for row, (run, _) in enumerate(runs)}
        centres = np.full((len(runs), len(ids)), np.nan)
        by_layout: dict[int, tuple[list[int], list[bytes]]] = {}
        for run, layout, packed in numbers:
            rows, blobs = by_layout.setdefault(layout, ([], []))
            rows.append(row_of[run])
            blobs.append(packed)
        for layout, (rows, blobs) in by_layout.items():
            source, target = places[layout]
            if len(source):
                whole = np.frombuffer(b"".join(blobs), _FLOAT).reshape(len(blobs), -1)
                if not np.array_equal(source, np.arange(whole.shape[1])):
                    whole = whole[:, source]
                if len(target) == len(ids):  # whole rows are much faster
                    centres[rows] = whole
                else:
                    centres[np.ix_(rows, target)] = whole
        some = ~np.isnan(centres).all(axis=1) if len(ids) else np.zeros(len(runs), dtype=bool)
        return Table([run for (_, run), has in zip(runs, some) if has], series, centres[some])

    def details(self, one: Series) -> dict[str, Point]:
        """The points of a series by its runs' digests."""
        with self._transaction(False) as connection:
            ids, _ = _series(connection, lambda entry: entry == one)
            places = _places(_layouts(connection), ids)
            rows = connection.execute(
                sa.select(
                    schema.runs.c.digest,
                    schema.centres.c.layout,
                    schema.centres.c.numbers,
                    schema.details.c.numbers,
                )
                .join(schema.centres, schema.centres.c.run == schema.runs.c.id)
                .join(schema.details, schema.details.c.run == schema.runs.c.id)
                .where(
                    schema.centres.c.layout.in_([key for key, (source, _) in places.items() if len(source)])
                )
            ).all()
        found = {}
        for digest, layout, packed, detail in rows:
            place = int(places[layout][0][0])
            centre = float(np.frombuffer(packed, _FLOAT)[place])
            found[digest] = Point(
                centre, *map(float, np.frombuffer(detail, _FLOAT)[3 * place : 3 * place + 3])
            )
        return found

    def records(self) -> Iterator[Record]:
        """Every run with its points, in the order of time; read one at a time."""
        with self._transaction(False) as connection:
            ids, series = _series(connection, lambda _: True)
            by_id = dict(zip(ids, series))
            layouts = {
                key: [by_id[n] for n in numbers.tolist()] for key, numbers in _layouts(connection).items()
            }
            for run_id, run in _runs(connection):
                layout, packed = connection.execute(
                    sa.select(schema.centres.c.layout, schema.centres.c.numbers).where(
                        schema.centres.c.run == run_id
                    )
                ).one()
                detail = connection.execute(
                    sa.select(schema.details.c.numbers).where(schema.details.c.run == run_id)
                ).scalar_one()
                rest = np.frombuffer(detail, _FLOAT).reshape(-1, 3).tolist()
                points = [Point(c, *row) for c, row in zip(np.frombuffer(packed, _FLOAT).tolist(), rest)]
                yield Record(run, dict(zip(layouts[layout], points)))

    def prune(self, unwanted: Callable[[Sequence[Run]], Sequence[Run]], really: bool) -> list[Run]:
        """Takes away the runs that `unwanted` chooses of all of them, and series that no run has then."""
        with self._transaction(True) as connection:
            known = _runs(connection)
            chosen = list(unwanted([run for _, run in known]))
            if not really:
                return chosen
            digests = {run.digest for run in chosen}
            numbers = [number for number, run in known if run.digest in digests]
            for start in range(0, len(numbers), 500):  # what one statement may hold
                some = numbers[start : start + 500]
                for table in (schema.centres, schema.details):
                    connection.execute(table.delete().where(table.c.run.in_(some)))
                connection.execute(schema.runs.delete().where(schema.runs.c.id.in_(some)))
            _drop_orphans(connection)
        if self._engine.dialect.name == "sqlite":
            with contextlib.closing(self._engine.raw_connection()) as raw:  # not in a transaction
                raw.cursor().execute("VACUUM")
        return chosen


@contextlib.contextmanager
def opened(place: str, create: bool = False) -> Iterator[Store]:
    """The history at `place`: a file's name or a URL. Raises UserError."""
    url = _url(place)
    where = url.render_as_string(hide_password=True) if "://" in place else place
    if url.get_backend_name() == "sqlite":
        _check_file(url.database or "", where, create)
    try:
        engine = sa.create_engine(url, poolclass=NullPool, future=True)
    except ModuleNotFoundError:
        raise UserError(
            Exit.UNAVAILABLE, where, "Python lacks psycopg2", "apt-get install python3-psycopg2"
        ) from None
    if engine.dialect.name == "sqlite":
        _as_we_say(engine)
    store = Store(engine, where)
    try:
        store.prepare(create)
        yield store
    finally:
        engine.dispose()


def _check_file(path: str, where: str, create: bool) -> None:
    if path in ("", ":memory:"):
        raise UserError(Exit.USAGE, "--db", "names no file", REMEDY)
    if not create and not os.path.exists(path):
        raise UserError(Exit.NO_INPUT, where, "has no history yet", "add a run first, or name it with --db")
    if os.path.isdir(path):
        raise UserError(Exit.NO_INPUT, where, "is a directory", REMEDY)
    if create:
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        except OSError as error:
            raise UserError(
                Exit.CANNOT_CREATE, where, error.strerror or "cannot be created", REMEDY
            ) from None


def _as_we_say(engine: Engine) -> None:
    """pysqlite begins transactions late and lets two readers become writers: here they begin when said, and a
    writer's lock is taken at once."""

    @sa.event.listens_for(engine, "connect")  # type: ignore[misc]
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {WAIT_S * 1000}")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")  # type: ignore[misc]
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(connection: Connection, where: str) -> None:
    """To the newest version, inside the connection's transaction."""
    import alembic.command
    import alembic.config
    from alembic.util.exc import CommandError

    config = alembic.config.Config()
    config.set_main_option("script_location", str(pathlib.Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, "head")
    except CommandError:
        raise UserError(
            Exit.DATA, where, "was written by a newer faultline", "read it with that one, or a newer one"
        ) from None


def _said(where: str, error: sa.exc.DBAPIError) -> UserError:
    return said(where, " ".join(str(error.orig).split()) or type(error.orig).__name__)


def _insert_run(connection: Connection, record: Record) -> bool:
    def execute(statement: str, values: Sequence[Any]) -> Any:
        if connection.dialect.name == "postgresql":
            statement = statement.replace("?", "%s")
        return connection.exec_driver_sql(statement, tuple(values))

    return insert_run(execute, record)


def _runs(connection: Connection) -> list[tuple[int, Run]]:
    table = schema.runs
    columns = [table.c[name] for name in Run.__dataclass_fields__]
    rows = connection.execute(sa.select(table.c.id, *columns).order_by(table.c.started_ns, table.c.id))
    return [(row[0], Run(*row[1:])) for row in rows]


def _series(connection: Connection, wanted: Callable[[Series], bool]) -> tuple[list[int], list[Series]]:
    columns = [schema.series.c[name] for name in SERIES_KEY]
    rows = connection.execute(sa.select(schema.series.c.id, *columns).order_by(*columns))
    chosen = [(row[0], one) for row in rows if wanted(one := Series(*row[1:]))]
    return [number for number, _ in chosen], [one for _, one in chosen]


def _layouts(connection: Connection) -> dict[int, Any]:
    rows = connection.execute(sa.select(schema.layouts.c.id, schema.layouts.c.series))
    return {number: np.frombuffer(packed, _INT) for number, packed in rows}


def _places(layouts: dict[int, Any], ids: Sequence[int]) -> dict[int, tuple[Any, Any]]:
    """For each layout where in it the series `ids` are, and which of them those are."""
    wanted = {number: column for column, number in enumerate(ids)}
    places = {}
    for key, numbers in layouts.items():
        pairs = [(place, wanted[n]) for place, n in enumerate(numbers.tolist()) if n in wanted]
        pairs.sort(key=lambda pair: pair[1])
        both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        places[key] = (both[:, 0], both[:, 1])
    return places


def _drop_orphans(connection: Connection) -> None:
    used = sa.select(schema.centres.c.layout)
    connection.execute(schema.layouts.delete().where(schema.layouts.c.id.not_in(used)))
    kept: set[int] = set()
    for numbers in _layouts(connection).values():
        kept.update(numbers.tolist())
    known = [number for (number,) in connection.execute(sa.select(schema.series.c.id))]
    orphans = [number for number in known if number not in kept]
    for start in range(0, len(orphans), 500):
        some = orphans[start : start + 500]
        connection.execute(schema.series.delete().where(schema.series.c.id.in_(some)))
