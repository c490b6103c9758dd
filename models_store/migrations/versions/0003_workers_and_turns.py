"""Workers that announce themselves, keys, turns among owners, and checkpoints within an epoch."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")
LEASED = sa.text("lease_until IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_claim")
        for column in _new_columns():
            batch_op.add_column(column)
    # the queue as it stands keeps its order; nobody holds what an older worker called itself
    op.execute("UPDATE jobs SET worker = NULL")
    _create_indexes()
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("step", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        )
    _create_workers()
    _create_keys()


def _new_columns() -> list["sa.Column[object]"]:
    zero = sa.text("0")
    return [
        sa.Column("losses", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("queued_at", sa.Float(precision=53), server_default=zero, nullable=False),
        sa.Column("retry_at", sa.Float(precision=53), server_default=zero, nullable=False),
        sa.Column("waiting", sa.Text(), nullable=True),
        sa.Column("device", sa.String(length=8), server_default="any", nullable=False),
        sa.Column("gpus", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("environment_key", sa.String(length=64), nullable=True),
    ]


def _create_indexes() -> None:
    for name, columns, where in (
        ("ix_jobs_claim", ["device", "rank", "turn", "id"], QUEUED),
        ("ix_jobs_turn", ["owner", "rank", "turn"], QUEUED),
        ("ix_jobs_lease_until", ["lease_until"], LEASED),
    ):
        op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)


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
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.drop_column("step")
    for name in ("ix_jobs_claim", "ix_jobs_turn", "ix_jobs_lease_until"):
        op.drop_index(name, "jobs")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        for column in _new_columns():
            batch_op.drop_column(column.name)
        batch_op.create_index("ix_jobs_claim", ["state", "rank", "id"], unique=False)
