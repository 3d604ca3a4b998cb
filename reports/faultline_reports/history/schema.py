"""The tables of a history.

A run's figures are packed: `layout` names its series in order, and `centres` and `details` hold their numbers
in that order. So a night's run is three rows whatever it measured, and all runs of all series are read at
the speed of the disk. Numbers are little-endian; a centre is a float64, a detail three (low, high, median).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from faultline_reports.history.model import SERIES_KEY

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),  # of what was measured: the same run is one run
    Column("started_ns", BigInteger, nullable=False),  # since 1970, UTC
    Column("revision", Text, nullable=False),  # "" where none was given
    Column("fingerprint", Text, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("rounds", Integer, nullable=False),
    Index("runs_started", "started_ns"),
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    *(Column(name, Text, nullable=False) for name in SERIES_KEY),
    UniqueConstraint(*SERIES_KEY, name="series_key"),
)

layouts = Table(
    "layouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("series", LargeBinary, nullable=False),  # int32 ids
)

centres = Table(
    "centres",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("layout", Integer, ForeignKey("layouts.id"), nullable=False),
    Column("numbers", LargeBinary, nullable=False),
)

details = Table(
    "details",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("numbers", LargeBinary, nullable=False),
)
