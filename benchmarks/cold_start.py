"""Cold start: what a person waits for before anything appears."""

from collections.abc import Iterator

from benchmarks.measure import Ratio, processes, seeded_server
from platform_core.users.screen_queries import LIVING_INSTANCES, LIVING_KEYS, PLAN, RECENT_RUNS

# The same data as JSON, by the shortest way there is.
PARTS = {
    "identities": "(SELECT coalesce(jsonb_agg(jsonb_build_object('provider', i.provider, 'subject', i.subject)), '[]')"
    " FROM agentadm.identities i WHERE i.user_id = users.id)",
    "teams": "(SELECT coalesce(jsonb_agg(jsonb_build_object('team', t.slug, 'role', m.role)), '[]')"
    " FROM agentadm.team_members m JOIN agentadm.teams t ON t.id = m.team_id WHERE m.user_id = users.id)",
    "projects": "(SELECT count(*) FROM agentadm.projects p WHERE p.owner_user_id = users.id)",
    "plan": PLAN,
    "api_keys": LIVING_KEYS,
    "instances": LIVING_INSTANCES,
    "runs": RECENT_RUNS,
}
BUILT = ", ".join(f"'{name}', {part}" for name, part in PARTS.items())
STATEMENT = (
    f"SELECT to_jsonb(users) || jsonb_build_object({BUILT})"
    " FROM agentadm.users WHERE lower(email) = 'ada@example.com' AND deleted_at IS NULL"
)
FLOOR = f"""
import json, os, psycopg
with psycopg.connect(os.environ["FLOOR_CONNINFO"]) as connection:
    print(json.dumps(connection.execute({STATEMENT!r}).fetchone()[0], indent=2))
"""


def ratios() -> Iterator[Ratio]:
    with seeded_server() as environ:
        yield processes(
            "users show EMAIL -o json, cold", ["-m", "cli", "users", "show", "ada@example.com", "-o", "json"],
            "Python + psycopg + the same data", ["-c", FLOOR], 2.8, environ,
        )  # fmt: skip
        yield processes(
            "agentadm --help, cold", ["-m", "cli", "--help"], "import typer", ["-c", "import typer"], 1.5, environ
        )
        yield processes(
            "agentadm users --help, cold", ["-m", "cli", "users", "--help"], "import typer", ["-c", "import typer"],
            2.0, environ,
        )  # fmt: skip
