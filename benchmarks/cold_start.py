"""Cold start: what a person waits for before anything appears."""

from collections.abc import Iterator

from benchmarks.measure import Ratio, processes, seeded_server

# The same data: the user with the identities, as JSON, by the shortest way there is.
FLOOR = """
import json, os, psycopg
with psycopg.connect(os.environ["FLOOR_CONNINFO"]) as connection:
    row = connection.execute(
        "SELECT to_jsonb(u) || jsonb_build_object('identities', (SELECT coalesce(jsonb_agg(jsonb_build_object("
        "'provider', i.provider, 'subject', i.subject)), '[]') FROM agentadm.identities i WHERE i.user_id = u.id))"
        " FROM agentadm.users u WHERE lower(email) = 'ada@example.com' AND deleted_at IS NULL"
    ).fetchone()
    print(json.dumps(row[0], indent=2))
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
