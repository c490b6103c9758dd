"""Where the training of a model stopped, so that another job can go on."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: see revision 0003.
    op.add_column("models", sa.Column("training", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("models", "training")
