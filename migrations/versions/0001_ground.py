"""The ground: operations, audit, jobs, users and identities."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
LOCKS = "none: it only makes new objects"

EVERYTHING = """
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TABLE IF EXISTS agentadm.%I CASCADE', c.relname)
            FROM pg_class c
            WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p')
                AND NOT c.relispartition AND c.relname <> 'alembic_version'
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
            FROM pg_proc p WHERE p.pronamespace = 'agentadm'::regnamespace
        UNION ALL
        SELECT format('DROP SEQUENCE IF EXISTS agentadm.%I CASCADE', c.relname)
            FROM pg_class c WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind = 'S'
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$
"""


def run(sql: str) -> None:
    """Run SQL as it stands: per cent signs and colons in it are no parameters."""
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    run(EVERYTHING)
