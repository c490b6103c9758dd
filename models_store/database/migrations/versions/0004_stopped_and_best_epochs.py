"""Why a training stopped, which epoch was best, and the epoch of a model's weights."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: see revision 0003.
    op.add_column("jobs", sa.Column("stopped", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("best", sa.Text(), nullable=True))
    op.add_column("models", sa.Column("epoch", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("models", "epoch")
    op.drop_column("jobs", "best")
    op.drop_column("jobs", "stopped")
