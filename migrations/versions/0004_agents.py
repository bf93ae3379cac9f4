"""Plans, limits, API keys, agents, instances, runs, models and workflows.

Finish runs over items that were cut short before it: they, and idempotency keys, are not recognised after it.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
LOCKS = "users and teams for as long as it takes to read each once: an index of the deleted, counts with a check"


def run(name: str) -> None:
    """Run a file as it stands: per cent signs and colons in it are no parameters."""
    sql = Path(__file__).with_name(name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def upgrade() -> None:
    run("0004_agents.sql")


def downgrade() -> None:
    run("0004_agents_down.sql")
