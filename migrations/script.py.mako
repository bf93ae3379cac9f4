"""${message}."""

from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision)}
LOCKS = "say which locks it takes, and for how long"


def upgrade() -> None:
    op.execute("")


def downgrade() -> None:
    op.execute("")
