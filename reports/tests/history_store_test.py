"""The database of a history: its tables, its version, what is taken out of it, and what is no history."""

from __future__ import annotations

import pathlib
import sqlite3

import pytest
import sqlalchemy as sa
from fake_history import record, written
from faultline_reports.errors import UserError
from faultline_reports.history import __main__ as history
from faultline_reports.history import schema, store
from faultline_reports.history.model import VERSION

REPORTS = pathlib.Path(__file__).parent.parent


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
