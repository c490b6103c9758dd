"""Checkpoints that jobs keep, and the models that are made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_checkpoints",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column(
            "job_id", sa.String(40), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("artifact", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.Integer(), nullable=True),
    )
    op.create_index(
        "ix_kept_checkpoints_job_id_epoch", "kept_checkpoints", ["job_id", "epoch"], unique=True
    )
    # Not in batch mode: see revision 0003.
    op.add_column("models", sa.Column("checkpoint_epoch", sa.Integer(), nullable=True))
    op.create_index(
        "ix_models_job_id_checkpoint_epoch", "models", ["job_id", "checkpoint_epoch"], unique=True
    )


def downgrade() -> None:
    op.drop_index("ix_models_job_id_checkpoint_epoch", "models")
    op.drop_column("models", "checkpoint_epoch")
    op.drop_table("kept_checkpoints")
