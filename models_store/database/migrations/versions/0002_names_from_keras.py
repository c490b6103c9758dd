"""What the names in Keras's JSON became."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("graphs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("renamed", sa.Text(), nullable=False, server_default=sa.text("'{}'"))
        )


def downgrade() -> None:
    with op.batch_alter_table("graphs", schema=None) as batch_op:
        batch_op.drop_column("renamed")
