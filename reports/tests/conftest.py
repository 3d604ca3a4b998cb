"""Fixtures that several tests share."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def fake_faultline(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Callable[..., None]:
    """Sets up what the stand-in for the program `faultline` does; the test runs in an empty directory."""
    monkeypatch.setenv("FAULTLINE_PROGRAM", str(pathlib.Path(__file__).with_name("fake_faultline.py")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def setup(**values: Any) -> None:
        monkeypatch.setenv("FAKE_FAULTLINE", json.dumps(values))

    setup()
    return setup


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    import postgres_server

    pytest.importorskip("psycopg2", reason="SKIPPED: python3-psycopg2 is not installed")
    if postgres_server.programs() is None:
        pytest.skip("SKIPPED: postgresql is not installed")
    with postgres_server.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    """An empty history."""
    if request.param == "sqlite":
        yield str(tmp_path / "new" / "history.sqlite")
        return
    url: str = request.getfixturevalue("server")
    yield url
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
