"""Workers that announce themselves, keys, turns among owners, and checkpoints within an epoch."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TURNS = """
UPDATE jobs SET cpu_turn = place, gpu_turn = place, queued_at = {now} FROM (
    SELECT id AS numbered, row_number() OVER (PARTITION BY owner, rank ORDER BY id) AS place
    FROM jobs WHERE state IN ('queued', 'running', 'cancelling')
) AS numbers WHERE id = numbered
"""
"""The queue as it stands keeps its order."""
NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch FROM clock_timestamp())",
}
QUEUE = "state = 'queued' AND {kind}_turn IS NOT NULL"
INDEXES = {
    "ix_jobs_{kind}_claim": (["rank", "{kind}_turn", "id", "memory_bytes", "gpus"], QUEUE),
    "ix_jobs_{kind}_owner": (["owner", "rank", "{kind}_turn"], QUEUE),
    "ix_jobs_{kind}_claimed": (["rank", "{kind}_turn"], "claimed_on = '{kind}'"),
    "ix_jobs_held": (["worker"], "state IN ('running', 'pausing', 'cancelling')"),
}


def upgrade() -> None:
    # Not in batch mode: on SQLite that makes the table anew, and dropping the old one would
    # delete every event, epoch and checkpoint with its job.
    op.drop_index("ix_jobs_claim", "jobs")
    for column in _new_columns():
        op.add_column("jobs", column)
    op.execute(TURNS.format(now=NOW[op.get_bind().dialect.name]))
    for name, (columns, where) in _indexes().items():
        condition = sa.text(where)
        op.create_index(name, "jobs", columns, sqlite_where=condition, postgresql_where=condition)
    step = sa.Column("step", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("checkpoints", step)
    _create_workers()
    _create_keys()


def _new_columns() -> list["sa.Column[object]"]:
    zero = sa.text("0")
    return [
        sa.Column("losses", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("setbacks", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("cpu_turn", sa.BigInteger(), nullable=True),
        sa.Column("gpu_turn", sa.BigInteger(), nullable=True),
        sa.Column("claimed_on", sa.String(length=8), nullable=True),
        sa.Column("queued_at", sa.Float(precision=53), server_default=zero, nullable=False),
        sa.Column("retry_at", sa.Float(precision=53), server_default=zero, nullable=False),
        sa.Column("waiting", sa.Text(), nullable=True),
        sa.Column("device", sa.String(length=8), server_default="any", nullable=False),
        sa.Column("gpus", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("environment_key", sa.String(length=64), nullable=True),
    ]


def _indexes() -> dict[str, tuple[list[str], str]]:
    """Those of each kind of device, and the one of all."""
    return {
        name.format(kind=kind): (
            [column.format(kind=kind) for column in columns],
            where.format(kind=kind),
        )
        for kind in ("cpu", "gpu")
        for name, (columns, where) in INDEXES.items()
    }


def _create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("device", sa.String(length=8), nullable=False),
        sa.Column("devices", sa.Text(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("environment_key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat", sa.Float(precision=53), nullable=False),
        sa.Column("alive_until", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_keys_sha256")),
    )
    with op.batch_alter_table("keys", schema=None) as batch_op:
        batch_op.create_index("ix_keys_owner_id", ["owner", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("keys")
    op.drop_table("workers")
    op.drop_column("checkpoints", "step")
    for name in _indexes():
        op.drop_index(name, "jobs")
    for column in _new_columns():
        op.drop_column("jobs", column.name)
    op.create_index("ix_jobs_claim", "jobs", ["state", "rank", "id"], unique=False)
