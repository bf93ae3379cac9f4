"""A believable company with a year of history, for demonstrations, tests and benchmarks.

seed_people.py says who is there, seed_users.py what their rows are, seed_data.json what they are called; seed_plans.py
what is sold, and whose value was taken where the systems that we take over differ; seed_company.py what teams have.
A noun that joins the company brings a module like seed_users.py and a step below, or a table of seed_company.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from sqlalchemy import Connection, Table

from platform_core.crews.tables import crews
from platform_core.db import seed_queries, seed_runs
from platform_core.db.seed_company import TABLES, Company
from platform_core.db.seed_customers import SUBSCRIPTION_COLUMNS, subscription_rows
from platform_core.db.seed_people import stream
from platform_core.db.seed_plans import MODEL_COLUMNS, PLAN_COLUMNS, model_rows, plan_rows
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
from platform_core.models.tables import ai_models
from platform_core.plans.tables import plans
from platform_core.projects.tables import projects
from platform_core.runs.tables import runs
from platform_core.subscriptions.tables import subscriptions
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
    Step(plans, PLAN_COLUMNS, plan_rows),
    Step(ai_models, MODEL_COLUMNS, model_rows),
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
        connection: in a transaction of the write path; the rows are audited as any others of their tables.
        scale: one of SCALES.

    Returns:
        How many rows of each table were made.

    Raises:
        UsageError: there is no such scale.
        Conflict: there are users, plans or models already.
        MissingPrivilege: row-level security holds for this login; PostgreSQL then allows no COPY.
    """
    count = SCALES.get(scale)
    if count is None:
        raise UsageError(f"there is no scale {scale!r}", f"choose one of {', '.join(SCALES)}")
    found = seed_queries.look(connection)
    if found.restricted:
        raise MissingPrivilege(
            "a seed is loaded by COPY, which this login may not use on agentadm.users", "log in as the schema's owner"
        )
    if found.there:
        raise Conflict(
            f"there are {found.there} already: a seed is for an empty database",
            "make a new database, or empty this one with: agentadm db reset",
        )
    seed_queries.make_partitions(connection, runs, seed_runs.months())
    # Our triggers would make versions and instances by themselves, with ids that differ everywhere.
    seed_queries.leave_to_us(connection, on=True)
    made = _load_people(connection, count) + _load_company(connection, count)
    seed_queries.leave_to_us(connection, on=False)
    return SeedResult(scale, **made)


def _load_people(connection: Connection, count: int) -> Counter[str]:
    """What is sold, the people, their teams, and which plans they are on."""
    made: Counter[str] = Counter()
    for step in STEPS:
        rows = step.rows(count, stream(step.table.name))
        made[step.table.name] += seed_queries.copy_rows(connection, step.table, step.columns, rows)
        seed_queries.analyze(connection, step.table)
    random = stream(subscriptions.name)
    for customers in seed_queries.customers(connection):
        rows = subscription_rows(customers, random)
        made[subscriptions.name] += seed_queries.copy_rows(connection, subscriptions, SUBSCRIPTION_COLUMNS, rows)
    return made


def _load_company(connection: Connection, count: int) -> Counter[str]:
    """What the teams have."""
    made: Counter[str] = Counter()
    for number, batch in enumerate(Company().batches(count)):
        for table, columns in TABLES:
            made[table.name] += seed_queries.copy_rows(connection, table, columns, batch.get(table.name, ()))
            # After the first one, so that keys of the others are looked up by index.
            if number == 0:
                seed_queries.analyze(connection, table)
    for table, _ in TABLES:
        seed_queries.analyze(connection, table)
    return made
