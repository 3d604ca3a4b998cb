"""Writers of a history: many at once, killed, with readers beside them, and without SQLAlchemy."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import subprocess
import sys
import time

import numpy as np
from fake_history import document, nights, record, written
from faultline_reports.errors import UserError
from faultline_reports.history import __main__ as history
from faultline_reports.history import store

REPORTS = pathlib.Path(__file__).parent.parent


def test_adding_needs_no_sqlalchemy_and_leaves_what_it_would(tmp_path: pathlib.Path) -> None:
    """The history is there: its first run made it."""
    paths = nights(tmp_path, 4)
    quick, whole = str(tmp_path / "quick.sqlite"), str(tmp_path / "whole.sqlite")
    history.run(["add", paths[0], "--db", quick])
    script = (
        "import sys; from faultline_reports.history import __main__ as history; "
        f"history.run(['add', *{paths[1:]!r}, {paths[1]!r}, '--db', {quick!r}]); "
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic', 'matplotlib')))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": str(REPORTS)})
    with store.opened(quick) as opened:
        records = list(opened.records())
    assert len(records) == 4
    with store.opened(whole, create=True) as opened:
        assert [opened.add(one) for one in records] == [True] * 4
        assert list(opened.records()) == records
    with sqlite3.connect(quick) as first, sqlite3.connect(whole) as second:
        for table in ("runs", "series", "layouts", "centres", "details"):
            rows = [sorted(one.execute(f"SELECT * FROM {table}")) for one in (first, second)]
            assert rows[0] == rows[1], table


WRITER = """
import sys
from faultline_reports.history import writing
from fake_history import record
for n in map(int, sys.argv[2:]):
    with writing.opened(sys.argv[1]) as opened:
        opened.add(record(n, {f"w{n % 7}": float(n), f"x{n}": 1.0}))
"""


def test_concurrent_writers_lose_nothing(place: str) -> None:
    """Each of six processes makes the history where it is missing, and all but the shared runs are its
    own."""
    mine = [[*range(100 * p, 100 * p + 12), 1, 2, 3] for p in range(6)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, place, *map(str, numbers)],
            cwd=REPORTS / "tests",
            env={"PYTHONPATH": f"{REPORTS}:{REPORTS / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
            stderr=subprocess.PIPE,
        )
        for numbers in mine
    ]
    for process in started:
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said.decode()
    wanted = {n for numbers in mine for n in numbers}
    with store.opened(place) as opened:
        assert len(opened.runs()) == len(wanted)
        table = opened.table()
    for column, one in enumerate(table.series):
        values = table.centres[:, column]
        number = int(one.workload[1:])
        expected = [n for n in wanted if n % 7 == number] if one.workload[0] == "w" else [1.0]
        assert sorted(values[~np.isnan(values)]) == sorted(map(float, expected))


def test_runners_of_a_team_add_while_others_read(place: str, tmp_path: pathlib.Path) -> None:
    """The command itself, as many runners of two hosts call it; what is read meanwhile is whole runs."""
    paths = []
    for number in range(12):
        made = document(number % 6)
        if number >= 6:
            made["host"]["fingerprint"] = "ff" * 32
        paths.append(written(tmp_path, f"{number}.json", made))
    environment = {**os.environ, "PYTHONPATH": str(REPORTS), "PYTHONDONTWRITEBYTECODE": "1"}
    adding = [
        subprocess.Popen(
            [*(sys.executable, "-m", "faultline_reports.history", "add", "--db", place), *some, paths[0]],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for some in (paths[0:3], paths[3:6], paths[6:9], paths[9:12])
    ]
    seen, figures = [0], set()
    while any(process.poll() is None for process in adding):
        try:
            with store.opened(place) as opened:
                table = opened.table()
        except UserError as error:
            assert "has no history yet" in error.line()
            continue
        seen.append(len(table.runs))
        figures |= set(np.isfinite(table.centres).sum(axis=1).tolist())
    for process in adding:
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said.decode()
    assert seen == sorted(seen) and len(figures) <= 1
    with store.opened(place) as opened:
        assert len(opened.runs()) == 12
        table = opened.table()
    assert {one.fingerprint for one in table.series} == {run.fingerprint for run in table.runs}
    for column, one in enumerate(table.series):
        of_host = [run.fingerprint == one.fingerprint for run in table.runs]
        assert np.isfinite(table.centres[:, column]).tolist() == of_host


def test_a_writer_that_is_killed_leaves_whole_runs(tmp_path: pathlib.Path) -> None:
    place = str(tmp_path / "h.sqlite")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, place, *map(str, range(90_000))],
        cwd=REPORTS / "tests",
        env={"PYTHONPATH": f"{REPORTS}:{REPORTS / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        for _ in range(3000):
            if pathlib.Path(place).exists() and _count(place) > 20:
                break
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    with store.opened(place, create=True) as opened:
        whole = list(opened.records())
        assert len(whole) > 20 and all(len(one.points) == 2 for one in whole)
        assert opened.add(record(99_999, {"a": 0.0}))


def _count(place: str) -> int:
    connection = sqlite3.connect(place, timeout=10)
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
