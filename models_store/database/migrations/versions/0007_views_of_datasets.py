"""Datasets that are rows of other datasets."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: see revision 0003.
    op.add_column("datasets", sa.Column("source_id", sa.String(40), nullable=True))
    op.add_column("datasets", sa.Column("row_index", sa.Text(), nullable=True))
    op.create_index("ix_datasets_source_id", "datasets", ["source_id"])


def downgrade() -> None:
    op.execute("DELETE FROM datasets WHERE source_id IS NOT NULL")
    op.drop_index("ix_datasets_source_id", "datasets")
    op.drop_column("datasets", "row_index")
    op.drop_column("datasets", "source_id")
