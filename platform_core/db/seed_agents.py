"""Rows of the seeded company's agents: what they are, their versions and skills. seed_agents.json has their texts."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

import msgspec

from platform_core.db.seed_basket import Basket
from platform_core.db.seed_people import ANCHOR_MS, DAY_MS, Person, Weighted, between, id_at, moment, seed_data
from platform_core.db.seed_plans import agent_plan_rows
from platform_core.db.seed_teams import SeedTeam

AGENT_COLUMNS = (
    "id", "team_id", "created_by", "name", "slug", "handle", "agent_type", "description", "spec_content",
    "spec_version", "spec_metadata", "tools", "invariants", "llm_provider", "model_name", "status", "last_run_at",
    "deleted_at", "created_at", "updated_at",
)  # fmt: skip
VERSION_COLUMNS = ("id", "agent_id", "version", "spec_content", "changed_by", "change_notes", "created_at")
SKILL_COLUMNS = ("id", "agent_id", "name", "description", "config", "created_at", "updated_at")

MODEL_OF = {
    "openai": "gpt-4o-mini", "anthropic": "claude-3-5-haiku", "gemini": "gemini-1.5-flash", "groq": "llama3-70b-8192",
}  # fmt: skip
STATUSES = Weighted.of({"active": 80, "paused": 8, "draft": 7, "archived": 5})
VERSIONS = Weighted.of({1: 70, 2: 22, 3: 8})
SPEC_METADATA = json.dumps({"sections": ["Purpose", "Steps", "Never", "Tools"]})
MOST_AGENTS = 4
# Of each team of the README.
README_AGENTS = 3
HANDLE_SHARE = 0.25
DELETED_SHARE = 0.04
# The team whose last agent was deleted, at every scale.
WITH_DELETED = "compilers"
# What runs are drawn for: the last weeks, and no agent more often than that; those of the README have more to show.
WINDOW_MS = 42 * DAY_MS
MOST_RUNS = 12
MOST_README_RUNS = 36
# When the catalogue's agent ran last, for everybody to see.
ANAYA_LAST_RUN_MS = ANCHOR_MS - 60_000


class Kind(msgspec.Struct, frozen=True):
    """What an agent does, in words. `answer` has a place for a number."""

    slug: str
    name: str
    description: str
    purpose: str
    steps: tuple[str, ...]
    never: tuple[str, ...]
    tools: tuple[str, ...]
    skills: dict[str, str]
    questions: tuple[str, ...]
    answer: str

    @property
    def invariants(self) -> str:
        """What must always hold, as JSON."""
        return json.dumps([{"name": f"never {place}", "description": rule} for place, rule in enumerate(self.never, 1)])

    def spec(self, name: str, back: int) -> str:
        """The specification, `back` versions before the newest: it had fewer steps."""
        steps = self.steps[: max(1, len(self.steps) - back)]
        lines = [f"# {name}", "", "## Purpose", "", self.purpose, "", "## Steps", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(steps, 1)]
        lines += ["", "## Never", "", *(f"- {rule}" for rule in self.never), ""]
        lines += ["## Tools", "", *(f"- `{tool}`" for tool in self.tools)]
        return "\n".join(lines) + "\n"


class Personal(msgspec.Struct, frozen=True):
    """An agent in somebody's personal team; `type` is personal or work."""

    owner: str
    kind: str
    type: str
    name: str
    slug: str
    handle: str | None


class AgentData(msgspec.Struct, frozen=True):
    """seed_agents.json."""

    kinds: tuple[Kind, ...]
    personal: tuple[Personal, ...]
    anaya: Kind


@dataclass(frozen=True)
class SeedAgent:
    """An agent, as other tables need to know it. Times are milliseconds; `until` is when it stopped working."""

    id: str
    team: SeedTeam
    owner: Person
    kind: Kind
    agent_type: str
    status: str
    model: str
    created: int
    until: int
    deleted: int | None
    runs: int
    last_run: int | None


@cache
def agent_data() -> AgentData:
    """The data file, read once."""
    return msgspec.json.decode((files("platform_core.db") / "seed_agents.json").read_bytes(), type=AgentData)


@cache
def _providers() -> Weighted[str]:
    return Weighted.of(seed_data().llm_providers)


def team_agents(team: SeedTeam, basket: Basket) -> list[SeedAgent]:
    """A team's agents, one to four of different kinds, with all that belongs to them put into the basket."""
    random = basket.stream("agents")
    data = agent_data()
    number = 1 + int(random.random() * MOST_AGENTS)
    if team.people[0][0].known is not None:
        number = README_AGENTS
    agents = []
    for place, kind in enumerate(random.sample(data.kinds, number), 1):
        owner = team.people[int(random.random() * len(team.people))][0]
        deleted = random.random() < DELETED_SHARE or (team.slug == WITH_DELETED and place == number)
        handle = f"{team.slug.replace('-', '_')}_{kind.slug.replace('-', '_')}"
        created = between(team.created, ANCHOR_MS - DAY_MS, random.random() ** 2)
        status = "active" if team.people[0][0].known is not None else STATUSES.draw(random)
        agents.append(
            _agent(
                team, kind, owner, (kind.name, kind.slug, handle if random.random() < HANDLE_SHARE else None), "team",
                status, created, basket, deleted=deleted,
            )
        )  # fmt: skip
    return agents


def personal_agents(team: SeedTeam, basket: Basket) -> list[SeedAgent]:
    """The agents of somebody's personal team: each runs by itself, and is within the limits of its owner."""
    random = basket.stream("agents")
    kinds = {kind.slug: kind for kind in agent_data().kinds}
    person = team.people[0][0]
    agents = []
    for agent in agent_data().personal:
        if person.known is not None and agent.owner == person.known.username:
            created = between(team.created, ANCHOR_MS - WINDOW_MS, random.random())
            names = (agent.name, agent.slug, agent.handle)
            agents.append(_agent(team, kinds[agent.kind], person, names, agent.type, "active", created, basket))
    return agents


def catalogue_agent(team: SeedTeam, basket: Basket) -> tuple[SeedAgent, dict[str, str]]:
    """brain9's agent Anaya in the platform's own team, and the ids of its plans by their codes."""
    kind = agent_data().anaya
    names = (kind.name, kind.slug, kind.slug)
    anaya = _agent(team, kind, team.people[0][0], names, "catalog", "active", team.created + DAY_MS, basket)
    plans = agent_plan_rows(anaya.id, anaya.created, basket.stream("agent_plans"))
    for row in plans.values():
        basket.add("agent_plans", row)
    return anaya, {code: str(row[0]) for code, row in plans.items()}


def _agent(
    team: SeedTeam,
    kind: Kind,
    owner: Person,
    names: tuple[str, str, str | None],
    agent_type: str,
    status: str,
    created: int,
    basket: Basket,
    *,
    deleted: bool = False,
) -> SeedAgent:
    random = basket.stream("agents")
    provider = _providers().draw(random)
    key = id_at(created, random)
    version = VERSIONS.draw(random)
    changed = [created, *sorted(between(created, ANCHOR_MS, random.random() ** 2) for _ in range(version - 1))]
    stopped = between(changed[-1], ANCHOR_MS, random.random())
    until = ANCHOR_MS if status == "active" and not deleted else stopped
    runs, last_run = _runs(agent_type, status, team, max(created, ANCHOR_MS - WINDOW_MS), until, random)
    agent = SeedAgent(
        key, team, owner, kind, agent_type, status, MODEL_OF[provider], created, until, stopped if deleted else None,
        runs, last_run,
    )  # fmt: skip
    name, slug, handle = names
    spec = kind.spec(name, 0)
    basket.add(
        "agents",
        (
            key, team.id, owner.id, name, slug, handle, agent_type, kind.description, spec, version,
            SPEC_METADATA, json.dumps(kind.tools), kind.invariants, provider, agent.model,
            status, None if last_run is None else moment(last_run),
            moment(stopped) if deleted else None, moment(created),
            moment(changed[-1] if until == ANCHOR_MS else stopped),
        ),
    )  # fmt: skip
    _add_versions(agent, name, changed, basket)
    _add_skills(agent, basket)
    return agent


def _runs(
    agent_type: str, status: str, team: SeedTeam, start: int, until: int, random: Random
) -> tuple[int, int | None]:
    """How often an agent ran lately, and when for the last time."""
    if agent_type == "catalog":
        # Its runs are those of the people who hired it.
        return 0, ANAYA_LAST_RUN_MS
    # What began has time to go on before the anchor.
    until = min(until, ANCHOR_MS - 2_000)
    share, recent = random.random() ** 2, random.random()
    if team.people[0][0].known is not None:
        return 2 + int(share * MOST_README_RUNS), until - int(recent * 10 * 60_000)
    number = int(share * MOST_RUNS)
    if number == 0 or status == "draft" or until <= start + DAY_MS:
        return 0, None
    return number, between(start, until, 1 - recent**3)


def _add_versions(agent: SeedAgent, name: str, changed: list[int], basket: Basket) -> None:
    random = basket.stream("agent_versions")
    for version, at in enumerate(changed, 1):
        spec = agent.kind.spec(name, len(changed) - version)
        notes = None if version == 1 else f"one step more: {len(agent.kind.steps) - len(changed) + version}"
        basket.add(
            "agent_versions", (id_at(at, random), agent.id, version, spec, agent.owner.id, notes, moment(at))
        )  # fmt: skip


def _add_skills(agent: SeedAgent, basket: Basket) -> None:
    random = basket.stream("agent_skills")
    at = moment(agent.created)
    for name, description in agent.kind.skills.items():
        row = (id_at(agent.created, random), agent.id, name, description, '{"enabled": true}', at, at)
        basket.add("agent_skills", row)
