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
}


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
