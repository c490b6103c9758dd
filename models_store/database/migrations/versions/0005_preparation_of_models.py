"""How the rows of a model are prepared: its classes and what takes the place of missing values."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: see revision 0003.
    op.add_column("models", sa.Column("preparation", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("models", "preparation")
