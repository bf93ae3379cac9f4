"""Rows of the seeded company's instances: agents that run for somebody, how they are set, and who works in a crew."""

import json
from dataclasses import dataclass

from platform_core.db.seed_agents import SeedAgent
from platform_core.db.seed_basket import Basket
from platform_core.db.seed_people import ANCHOR_MS, HOUR_MS, Person, Weighted, between, id_at, moment
from platform_core.db.seed_teams import SeedTeam, crews_of
from platform_core.db.seed_users import base62

INSTANCE_COLUMNS = (
    "id", "user_id", "agent_id", "origin", "runtime_provider", "app_name", "machine_id", "volume_id", "region",
    "status", "error_message", "display_name", "model_preference", "started_at", "stopped_at", "last_active_at",
    "created_at", "updated_at",
)  # fmt: skip
CONFIGURATION_COLUMNS = ("id", "user_id", "agent_id", "configuration", "created_at", "updated_at")
CREW_INSTANCE_COLUMNS = ("id", "crew_id", "instance_id", "position", "created_at", "updated_at")

STATUSES = Weighted.of({"running": 62, "suspended": 14, "stopped": 14, "error": 6, "destroyed": 4})
REGIONS = Weighted.of({"iad": 55, "fra": 20, "sin": 12, "gru": 8, "syd": 5})
ERRORS = (
    "the machine did not answer for 60 s",
    "out of memory: 512 MB were not enough",
    "the image could not be pulled",
)
DISPLAY_NAMES = ("Browser", "Our Anaya", "Web helper")
MODEL_PREFERENCES = ("claude", "gpt", "gemini")
MODES = Weighted.of({"browse": 70, "extract": 20, "watch": 10})
THEMES = ("light", "dark")
NAMED_SHARE = 0.3
CONFIGURED_SHARE = 0.4
MOST_IN_CREW = 3


@dataclass(frozen=True)
class SeedInstance:
    """An instance, as other tables need to know it."""

    id: str
    user: Person
    agent: SeedAgent
    status: str
    created: int
    until: int


def own_instance(agent: SeedAgent, basket: Basket) -> SeedInstance:
    """The instance that a personal or work agent has from the beginning."""
    return _instance(agent, agent.owner, "own", agent.created, "running", basket)


def hired_instance(agent: SeedAgent, person: Person, team: SeedTeam, basket: Basket) -> SeedInstance:
    """Somebody's instance of an agent of the catalogue, and for some how they set it."""
    random = basket.stream("agent_instances")
    # Nobody hires before having joined, and nobody in the last hours before the catalogue's newest run.
    created = between(max(team.created, agent.created), ANCHOR_MS - 2 * HOUR_MS, random.random())
    status = "running" if person.known is not None else STATUSES.draw(random)
    instance = _instance(agent, person, "hire", created, status, basket)
    if random.random() < CONFIGURED_SHARE or person.known is not None:
        _add_configuration(instance, basket)
    return instance


def _instance(agent: SeedAgent, person: Person, origin: str, created: int, status: str, basket: Basket) -> SeedInstance:
    random = basket.stream("agent_instances")
    started = created + 9_000
    ended = between(started, ANCHOR_MS, random.random())
    until = ANCHOR_MS if status == "running" else ended
    key = id_at(created, random)
    named = random.random() < NAMED_SHARE
    gone = status in {"stopped", "suspended", "destroyed"}
    basket.add(
        "agent_instances",
        (
            key, person.id, agent.id, origin, "fly", f"{agent.kind.slug}-{key[-12:]}", f"{random.getrandbits(56):014x}",
            f"vol_{base62(16, random)}", REGIONS.draw(random), status,
            random.choice(ERRORS) if status == "error" else None,
            random.choice(DISPLAY_NAMES) if named and origin == "hire" else None,
            random.choice(MODEL_PREFERENCES) if named else None,
            moment(started), moment(until) if gone else None, moment(between(started, until, random.random() ** 0.2)),
            moment(created), moment(started if until == ANCHOR_MS else until),
        ),
    )  # fmt: skip
    return SeedInstance(key, person, agent, status, created, until)


def _add_configuration(instance: SeedInstance, basket: Basket) -> None:
    random = basket.stream("agent_configurations")
    configuration = {
        "defaultMode": MODES.draw(random),
        "allowedDomains": ["example.com", "docs.example.org"][: 1 + int(random.random() * 2)],
        "maxConcurrentSessions": 1 + int(random.random() * 5),
        "preferences": {"theme": THEMES[int(random.random() * len(THEMES))], "language": "en"},
    }
    at = moment(instance.created)
    key = id_at(instance.created, random)
    row = (key, instance.user.id, instance.agent.id, json.dumps(configuration), at, at)
    basket.add("agent_configurations", row)


def add_crews(team: SeedTeam, instances: list[SeedInstance], basket: Basket) -> None:
    """Put instances of a team's people to work in its crews."""
    random = basket.stream("crew_instances")
    of_crews = basket.stream("crews")
    living = [instance for instance in instances if instance.status != "destroyed"]
    for created, _, _ in crews_of(team, basket.stream("projects")):
        crew = id_at(created, of_crews)
        for place, instance in enumerate(living[:MOST_IN_CREW], 1):
            joined = max(created, instance.created) + place
            at = moment(joined)
            basket.add("crew_instances", (id_at(joined, random), crew, instance.id, place, at, at))
