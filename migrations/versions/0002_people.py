"""People: teams, projects, crews, imports, and the erasure of a person."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
LOCKS = "users, chunk_progress and audit_seals for a moment each: columns without a default are added"

# Without the second digest, an erasure would look like a forgery for ever.
ERASED = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM agentadm.audit_seals WHERE erased_digest IS NOT NULL) THEN
        RAISE EXCEPTION 'somebody was erased in a sealed part of the audit: going back would lose how it is proved'
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'restore a backup from before instead';
    END IF;
END
$$
"""

DROPPED = """
DO $$
DECLARE
    role_name text;
BEGIN
    FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'agentadm\\_%' AND rolname <> current_user LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA agentadm FROM %I', role_name);
    END LOOP;
END
$$;
DROP VIEW agentadm.table_sizes;
DROP POLICY platform_admins ON agentadm.users;
DROP POLICY platform_admins ON agentadm.identities;
DROP TRIGGER refuse_teams_without_owner ON agentadm.users;
DROP TRIGGER refuse_promotion ON agentadm.users;
ALTER TABLE agentadm.teams DROP CONSTRAINT teams_owner_is_member_fkey;
DROP TABLE agentadm.crews, agentadm.projects, agentadm.team_members, agentadm.teams, agentadm.import_rejects;
DROP FUNCTION agentadm.range_digest, agentadm.is_platform_admin, agentadm.teams_of_user, agentadm.count_members,
    agentadm.refuse_deleted_owner, agentadm.refuse_teams_without_owner, agentadm.personal_team, agentadm.erase_person,
    agentadm.names_pattern, agentadm.quoted_pattern, agentadm.redacted, agentadm.redacted_text, agentadm.redacted_image,
    agentadm.erased_image, agentadm.free_texts, agentadm.person_rows, agentadm.person_keys, agentadm.person_holders,
    agentadm.refuse_promotion, agentadm.person_columns;
ALTER TABLE agentadm.users DROP COLUMN merged_into_id;
ALTER TABLE agentadm.chunk_progress DROP COLUMN counts;
ALTER TABLE agentadm.audit_seals DROP COLUMN erased_digest, DROP COLUMN erased_by;
"""


def run(sql: str) -> None:
    """Run SQL as it stands: per cent signs and colons in it are no parameters."""
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    run(ERASED)
    run(DROPPED)
    # Functions that were there before, as they were.
    run(Path(__file__).with_name("0002_people_down.sql").read_text(encoding="utf-8"))
    run("SELECT agentadm.grant_privileges()")
