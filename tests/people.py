"""A person with something in every table that can name one: for merging, erasing, exporting, and looking on."""

from dataclasses import dataclass
from uuid import UUID

from tests.support import Database

# By table: what puts the person, %(person)s, into each of its columns that name one. A table that joins them wants a
# line here; {tag} is in every text that is the person's own.
ROWS = {
    "users": """
        UPDATE agentadm.users SET username = 'u{tag}', first_name = 'First{tag}', last_name = 'Last{tag}',
            full_name = 'First{tag} Last{tag}', avatar_url = 'https://img.example/{tag}.png',
            metadata = '{{"phone": "+49 30 {tag}", "nested": {{"also": "meta {tag}"}}}}', last_login_at = agentadm.now()
        WHERE id = %(person)s;
        INSERT INTO agentadm.users (email, deleted_at, merged_into_id)
        VALUES ('earlier.{tag}@example.com', agentadm.now(), %(person)s)""",
    "identities": """
        INSERT INTO agentadm.identities (user_id, provider, subject)
        VALUES (%(person)s, 'clerk', 'user_{tag}'), (%(person)s, 'supabase', 'subject-{tag}')""",
    "teams": """
        SELECT agentadm.personal_team(%(person)s);
        UPDATE agentadm.teams SET name = 'Team of First{tag}', description = 'of Last{tag}'
        WHERE personal_of = %(person)s;
        INSERT INTO agentadm.teams (id, name, slug, owner_id)
        VALUES (md5('{tag}')::uuid, 'Shared', 'shared-of-{number}', %(person)s)""",
    "team_members": """
        INSERT INTO agentadm.team_members (team_id, user_id, role)
        VALUES (md5('{tag}')::uuid, %(person)s, 'owner');
        INSERT INTO agentadm.team_members (team_id, user_id, invited_by)
        VALUES (md5('{tag}')::uuid, %(other)s, %(person)s)""",
    "projects": """
        INSERT INTO agentadm.projects (owner_user_id, name, description)
        VALUES (%(person)s, 'Project {tag}', 'about {tag}');
        INSERT INTO agentadm.crews (project_id, name)
        SELECT p.id, 'Crew of {tag}' FROM agentadm.projects p WHERE p.owner_user_id = %(person)s""",
    "limit_overrides": """
        INSERT INTO agentadm.plans (id, name) VALUES ('free', 'Free') ON CONFLICT DO NOTHING;
        INSERT INTO agentadm.ai_models (name, provider, model_id) VALUES ('Flash', 'gemini', 'gemini-1.5-flash')
        ON CONFLICT DO NOTHING;
        INSERT INTO agentadm.limit_overrides (user_id, limit_name, value, reason)
        VALUES (%(person)s, 'max_workflows', 9, 'a favour')""",
    "agents": """
        INSERT INTO agentadm.agents (team_id, created_by, name, slug, handle, agent_type, description, contact_email,
            spec_content, settings, generated_code)
        SELECT t.id, %(person)s, 'Agent {tag}', 'agent-{number}', 'handle_{tag}', 'personal', 'of {tag}',
            '1:gAAAA{tag}', 'Spec {tag}', '{{"who": "{tag}"}}', 'print("{tag}")'
        FROM agentadm.teams t WHERE t.personal_of = %(person)s""",
    "agent_versions": """
        UPDATE agentadm.agents SET spec_content = 'Spec two {tag}' WHERE created_by = %(person)s;
        UPDATE agentadm.agent_versions SET changed_by = %(person)s, change_notes = 'said {tag}'
        WHERE agent_id IN (SELECT id FROM agentadm.agents WHERE created_by = %(person)s);
        INSERT INTO agentadm.agent_skills (agent_id, name, description, config)
        SELECT id, 'skill {tag}', 'about {tag}', '{{"of": "{tag}"}}' FROM agentadm.agents WHERE created_by = %(person)s;
        INSERT INTO agentadm.agent_plans (agent_id, code)
        SELECT id, 'free' FROM agentadm.agents WHERE created_by = %(person)s""",
    "subscriptions": """
        INSERT INTO agentadm.subscriptions (user_id, agent_plan_id, agent_id, provider, status, cancel_reason)
        SELECT %(person)s, p.id, p.agent_id, 'manual', 'cancelled', 'moved away'
        FROM agentadm.agent_plans p JOIN agentadm.agents a ON a.id = p.agent_id WHERE a.created_by = %(person)s""",
    "api_keys": """
        INSERT INTO agentadm.api_keys (user_id, name, key_hash, display_start, hash_version, revoked_at, revoked_reason)
        VALUES (%(person)s, 'key of {tag}', repeat(md5('{tag}'), 2), 'aa_live_{number}', '1', agentadm.now(),
            'lost by {tag}')""",
    "agent_configurations": """
        INSERT INTO agentadm.agent_configurations (user_id, agent_id, configuration)
        SELECT %(person)s, id, '{{"theme": "{tag}"}}' FROM agentadm.agents WHERE created_by = %(person)s""",
    "agent_instances": """
        UPDATE agentadm.agent_instances SET display_name = 'mine {tag}', metadata = '{{"at": "{tag}"}}'
        WHERE user_id = %(person)s;
        INSERT INTO agentadm.ssh_configs (instance_id, name, vault_ref)
        SELECT id, 'ssh {tag}', 'vault/{tag}' FROM agentadm.agent_instances WHERE user_id = %(person)s;
        INSERT INTO agentadm.crew_instances (crew_id, instance_id, position)
        SELECT c.id, i.id, 1 FROM agentadm.agent_instances i
        JOIN agentadm.projects p ON p.owner_user_id = i.user_id JOIN agentadm.crews c ON c.project_id = p.id
        WHERE i.user_id = %(person)s""",
    "workflows": """
        INSERT INTO agentadm.workflows (team_id, user_id, name, description, nodes)
        SELECT t.id, %(person)s, 'Workflow {tag}', 'of {tag}', '[{{"id": "a", "type": "x", "data": "{tag}"}}]'
        FROM agentadm.teams t WHERE t.personal_of = %(person)s;
        INSERT INTO agentadm.workflow_triggers (workflow_id, type, config)
        SELECT id, 'webhook', '1:gAAAA{tag}' FROM agentadm.workflows WHERE user_id = %(person)s;
        INSERT INTO agentadm.workflow_schedules (workflow_id, cron)
        SELECT id, '0 7 * * 1' FROM agentadm.workflows WHERE user_id = %(person)s""",
    "workflow_versions": """
        UPDATE agentadm.workflow_versions SET changed_by = %(person)s, change_notes = 'by {tag}'
        WHERE workflow_id IN (SELECT id FROM agentadm.workflows WHERE user_id = %(person)s)""",
    "runs": """
        INSERT INTO agentadm.runs (agent_id, user_id, team_id, input, output, logs)
        SELECT id, %(person)s, team_id, 'asked by {tag}', 'told {tag}', '["{tag}"]'
        FROM agentadm.agents WHERE created_by = %(person)s;
        INSERT INTO agentadm.runs (agent_id, user_id, team_id, created_at)
        SELECT id, %(person)s, team_id, agentadm.now() + interval '2 years'
        FROM agentadm.agents WHERE created_by = %(person)s""",
    "error_logs": """
        INSERT INTO agentadm.error_logs (type, message, stack, user_id)
        VALUES ('Timeout', 'of {tag}', 'at {tag}', %(person)s)""",
}
# What everybody may see.
OF_EVERYBODY = {"plans": "what is sold", "ai_models": "which models there are"}


@dataclass(frozen=True)
class Somebody:
    """A user with something everywhere. `tag` is in every text of the person's own, and nowhere else."""

    id: UUID
    tag: str
    email: str


def populate(database: Database, number: int, other: UUID) -> Somebody:
    """Make a person with rows in every table that can name one."""
    tag = f"zq{number}xk"
    email = f"mail.{tag}@example.com"
    person = database.value("INSERT INTO agentadm.users (email) VALUES (%s) RETURNING id", email)
    names = {"person": f"'{person}'", "other": f"'{other}'"}
    statements = ";".join(sql.format(tag=tag, number=number) for sql in ROWS.values())
    for name, value in names.items():
        statements = statements.replace(f"%({name})s", value)
    with database.connect() as connection:
        connection.execute(statements.encode())
    return Somebody(person, tag, email)


def bystander(database: Database) -> UUID:
    """Somebody who is not meant."""
    found: UUID = database.value("INSERT INTO agentadm.users (email) VALUES ('by.stander@example.com') RETURNING id")
    return found
