"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("started_ns", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("tool_version", sa.Text, nullable=False),
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("rounds", sa.Integer, nullable=False),
    )
    op.create_index("runs_started", "runs", ["started_ns"])
    key = ("fingerprint", "workload", "work", "allocator", "metric", "reference")
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in key),
        sa.UniqueConstraint(*key, name="series_key"),
    )
    op.create_table(
        "layouts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("series", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "centres",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("layout", sa.Integer, sa.ForeignKey("layouts.id"), nullable=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "details",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for name in ("details", "centres", "layouts", "series", "runs"):
        op.drop_table(name)
