"""People: find those that were merged into a user."""

from alembic import op

revision = "0003"
down_revision = "0002"
LOCKS = "nothing: the index is built beside those who write"

INDEX = "users_merged_into_id_idx"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # One that a failed attempt left behind is not valid.
        op.execute(f"DROP INDEX IF EXISTS agentadm.{INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {INDEX} ON agentadm.users (merged_into_id) WHERE merged_into_id IS NOT NULL"
        )


def downgrade() -> None:
    op.execute(f"DROP INDEX agentadm.{INDEX}")
