"""Rows of the seeded company's teams, their members, projects and crews."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from random import Random

from platform_core.db.seed_people import (
    ANCHOR_MS,
    DAY_MS,
    HOUR_MS,
    Person,
    between,
    id_at,
    moment,
    people,
    seed_data,
    stream,
)
from platform_core.db.seed_users import Row

TEAM_COLUMNS = (
    "id", "name", "slug", "description", "owner_id", "max_members", "personal_of", "deleted_at", "created_at",
    "updated_at",
)  # fmt: skip
MEMBER_COLUMNS = ("id", "team_id", "user_id", "role", "joined_at", "invited_by", "created_at", "updated_at")
PROJECT_COLUMNS = ("id", "owner_user_id", "owner_team_id", "name", "description", "created_at", "updated_at")
CREW_COLUMNS = ("id", "project_id", "name", "created_at", "updated_at")

# Of fifty people one founds a team, with those who sign up next.
PEOPLE_FOR_A_TEAM = 50
MOST_MEMBERS = 8
PLATFORM_SLUG = "platform"
PERSONAL_TEAMS = ("ada", "grace", "linus", "mei")
WORDS = ("Amber", "Basalt", "Cedar", "Delta", "Ember", "Fjord", "Granite", "Harbour", "Indigo", "Juniper")
THINGS = (
    "Analytics",
    "Bakery",
    "Clinic",
    "Freight",
    "Gardens",
    "Insurance",
    "Logistics",
    "Robotics",
    "School",
    "Travel",
)
ADMIN_SHARE = 0.2
LIMITED_SHARE = 0.5
LIMIT = 10
WITH_PROJECT_SHARE = 0.4


@dataclass(frozen=True)
class SeedTeam:
    """A team of the company. `people` are its members with their roles, the owner first."""

    id: str
    name: str
    slug: str
    description: str | None
    people: tuple[tuple[Person, str], ...]
    max_members: int | None
    created: int
    deleted: int | None
    projects: tuple[tuple[str, tuple[str, ...]], ...]
    personal_of: str | None = None


def known_people() -> dict[str, Person]:
    """The people of the README by their usernames."""
    people_of_readme = people(len(seed_data().known))
    return {person.known.username or person.known.email: person for person in people_of_readme if person.known}


def own_teams() -> Iterator[SeedTeam]:
    """The platform's own team, which has the catalogue, and the personal ones of people who made agents."""
    random = stream("own teams")
    known = known_people()
    ada = known["ada"]
    created = ada.created + HOUR_MS
    yield SeedTeam(
        id_at(created, random), "Platform", PLATFORM_SLUG, "Owns the agents of the catalogue", ((ada, "owner"),),
        None, created, None, (),
    )  # fmt: skip
    for number, name in enumerate(PERSONAL_TEAMS, 1):
        person = known[name]
        created = person.created + number * DAY_MS
        yield SeedTeam(
            id_at(created, random), "Personal", f"personal-{person.id.replace('-', '')}", None, ((person, "owner"),),
            None, created, None, (), person.id,
        )  # fmt: skip


def teams(count: int) -> Iterator[SeedTeam]:
    """The company's teams, those of the README first; the same ones at every call.

    Args:
        count: how many people there are.
    """
    random = stream("teams of people")
    known: dict[str, Person] = {}
    gathered: list[Person] = []
    for number, person in enumerate(people(count)):
        if person.known is not None:
            known[person.known.username or person.known.email] = person
            continue
        if known:
            yield from _of_the_readme(known, random)
            known = {}
        if person.deleted is not None or person.suspended is not None:
            continue
        gathered.append(person)
        if number % PEOPLE_FOR_A_TEAM == PEOPLE_FOR_A_TEAM - 1:
            yield _founded(number // PEOPLE_FOR_A_TEAM, gathered, random)
            gathered = []


def _of_the_readme(known: dict[str, Person], random: Random) -> Iterator[SeedTeam]:
    ada, grace, linus, mei, noor = (known[name] for name in ("ada", "grace", "linus", "mei", "noor"))
    day = noor.created + DAY_MS // 2
    yield SeedTeam(
        id_at(day, random), "Analytical Engines", "analytical-engines", "What Babbage designed, and we build",
        ((ada, "owner"), (grace, "admin"), (linus, "member"), (noor, "viewer")), 10, day, None,
        (("Bernoulli numbers", ("Proofreaders", "Reviewers")), ("Card punching", ())),
    )  # fmt: skip
    yield SeedTeam(
        id_at(day + 1, random), "Compilers", "compilers", None, ((grace, "owner"), (mei, "member")), 5, day + 1, None,
        (("Flow-Matic", ()),),
    )  # fmt: skip
    yield SeedTeam(
        id_at(day + 2, random), "Difference Engines", "difference-engines", "Given up for something better",
        ((ada, "owner"),), None, day + 2, day + 60 * DAY_MS, (),
    )  # fmt: skip


def _founded(number: int, gathered: list[Person], random: Random) -> SeedTeam:
    size = min(len(gathered), 2 + int(random.random() * (MOST_MEMBERS - 1)))
    chosen = gathered[-size:]
    created = between(chosen[-1].created, ANCHOR_MS, random.random() ** 2)
    name = f"{WORDS[number % len(WORDS)]} {THINGS[number // len(WORDS) % len(THINGS)]}"
    again = number // (len(WORDS) * len(THINGS))
    name = f"{name} {again + 1}" if again else name
    roles = ("owner", *("admin" if random.random() < ADMIN_SHARE else "member" for _ in chosen[1:]))
    projects: tuple[tuple[str, tuple[str, ...]], ...] = ((f"{name} helpdesk", ("Front desk",)),)
    return SeedTeam(
        id_at(created, random), name, name.lower().replace(" ", "-"), None, tuple(zip(chosen, roles, strict=True)),
        LIMIT if random.random() < LIMITED_SHARE else None, created, None,
        projects if random.random() < WITH_PROJECT_SHARE else (),
    )  # fmt: skip


def team_rows(count: int, random: Random) -> Iterator[Row]:  # noqa: ARG001 - of every table's form
    """Rows of teams in the order of TEAM_COLUMNS."""
    for team in chain(teams(count), own_teams()):
        made, gone = moment(team.created), None if team.deleted is None else moment(team.deleted)
        owner = team.people[0][0]
        yield (
            team.id, team.name, team.slug, team.description, owner.id, team.max_members, team.personal_of, gone, made,
            gone or made,
        )  # fmt: skip


def member_rows(count: int, random: Random) -> Iterator[Row]:
    """Rows of team members in the order of MEMBER_COLUMNS: the owner at once, the others within weeks."""
    for team in teams(count):
        owner = team.people[0][0]
        for person, role in team.people:
            joined = team.created if person is owner else between(team.created, ANCHOR_MS, random.random() ** 3)
            invited_by = None if person is owner else owner.id
            at = moment(joined)
            yield id_at(joined, random), team.id, person.id, role, at, invited_by, at, at
    for team in own_teams():
        at = moment(team.created)
        yield id_at(team.created, random), team.id, team.people[0][0].id, "owner", at, None, at, at


def project_rows(count: int, random: Random) -> Iterator[Row]:
    """Rows of projects in the order of PROJECT_COLUMNS; crew_rows draws the same ids."""
    for team in teams(count):
        for created, key, name, _ in projects_of(team, random):
            yield key, None, team.id, name, None, moment(created), moment(created)


def crew_rows(count: int, random: Random) -> Iterator[Row]:
    """Rows of crews in the order of CREW_COLUMNS."""
    of_projects = stream("projects")
    for team in teams(count):
        for created, project, name in crews_of(team, of_projects):
            at = moment(created)
            yield id_at(created, random), project, name, at, at


def projects_of(team: SeedTeam, random: Random) -> Iterator[tuple[int, str, str, tuple[str, ...]]]:
    """A team's projects: when made, id, name and the names of crews; the stream has to stand where the team begins."""
    for place, (name, crews) in enumerate(team.projects, 1):
        created = team.created + place * 60_000
        yield created, id_at(created, random), name, crews


def crews_of(team: SeedTeam, of_projects: Random) -> Iterator[tuple[int, str, str]]:
    """A team's crews: when made, project and name. Their ids are drawn from the stream "crews", in this order."""
    for created, project, _, crews in projects_of(team, of_projects):
        for place, name in enumerate(crews, 1):
            yield created + place, project, name
