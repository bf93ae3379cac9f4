"""A believable company with a year of history, for demonstrations, tests and benchmarks.

seed_people.py says who is there, seed_users.py what their rows are, seed_data.json what they are called.
A noun that joins the company brings a module like seed_users.py and a step below.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from sqlalchemy import Connection, Table

from platform_core.crews.tables import crews
from platform_core.db import seed_queries
from platform_core.db.seed_people import stream
from platform_core.db.seed_teams import (
    CREW_COLUMNS,
    MEMBER_COLUMNS,
    PROJECT_COLUMNS,
    TEAM_COLUMNS,
    crew_rows,
    member_rows,
    project_rows,
    team_rows,
)
from platform_core.db.seed_users import IDENTITY_COLUMNS, USER_COLUMNS, Row, identity_rows, user_rows
from platform_core.db.types import SeedResult
from platform_core.errors import Conflict, MissingPrivilege, UsageError
from platform_core.projects.tables import projects
from platform_core.teams.tables import team_members, teams
from platform_core.users.tables import identities, users

SCALES: dict[str, int] = {"small": 400, "medium": 20_000, "large": 1_000_000}


@dataclass(frozen=True)
class Step:
    """One table of the company.

    Args:
        table: where the rows go.
        columns: which of its columns a row holds; the others keep their defaults.
        rows: from the number of users and the table's own random stream.
    """

    table: Table
    columns: tuple[str, ...]
    rows: Callable[[int, Random], Iterator[Row]]


# A table comes after those that it refers to. Each draws from a stream named after it, so a new one changes no other.
STEPS = (
    Step(users, USER_COLUMNS, user_rows),
    Step(identities, IDENTITY_COLUMNS, identity_rows),
    Step(teams, TEAM_COLUMNS, team_rows),
    Step(team_members, MEMBER_COLUMNS, member_rows),
    Step(projects, PROJECT_COLUMNS, project_rows),
    Step(crews, CREW_COLUMNS, crew_rows),
)


def seed(connection: Connection, scale: str) -> SeedResult:
    """Load the company: the same rows, byte for byte, whenever and wherever it is called with the same scale.

    Args:
        connection: in a transaction of the write path; the rows are audited like any others.
        scale: one of SCALES.

    Returns:
        How many rows of each table were made.

    Raises:
        UsageError: there is no such scale.
        Conflict: there are users already.
        MissingPrivilege: row-level security holds for this login; PostgreSQL then allows no COPY.
    """
    count = SCALES.get(scale)
    if count is None:
        raise UsageError(f"there is no scale {scale!r}", f"choose one of {', '.join(SCALES)}")
    found = seed_queries.look(connection)
    if found.has_users:
        raise Conflict(
            "there are users already: a seed is for an empty database",
            "make a new database, or empty this one with: agentadm db reset",
        )
    if found.restricted:
        raise MissingPrivilege(
            "a seed is loaded by COPY, which this login may not use on agentadm.users", "log in as the schema's owner"
        )
    made: dict[str, int] = {}
    for step in STEPS:
        rows = step.rows(count, stream(step.table.name))
        made[step.table.name] = seed_queries.copy_rows(connection, step.table, step.columns, rows)
        seed_queries.analyze(connection, step.table)
    return SeedResult(scale, **made)
