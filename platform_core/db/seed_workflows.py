"""Rows of the seeded company's workflows: their graphs, versions and schedules."""

import json
from dataclasses import dataclass

from platform_core.db.seed_basket import Basket
from platform_core.db.seed_people import ANCHOR_MS, DAY_MS, HOUR_MS, Person, Weighted, between, id_at, moment
from platform_core.db.seed_teams import SeedTeam

WORKFLOW_COLUMNS = (
    "id", "team_id", "user_id", "name", "description", "nodes", "connections", "settings", "version", "status",
    "is_active", "is_public", "category", "tags", "created_at", "updated_at",
)  # fmt: skip
VERSION_COLUMNS = (
    "id", "workflow_id", "version", "nodes", "connections", "settings", "changed_by", "change_notes", "created_at",
)  # fmt: skip
SCHEDULE_COLUMNS = ("id", "workflow_id", "cron", "timezone", "next_run_at", "is_active", "created_at", "updated_at")

WITH_WORKFLOW_SHARE = 0.25
# The team of the README has one at every scale, with a schedule.
README_TEAM = "analytical-engines"
STATUSES = Weighted.of({"active": 75, "paused": 10, "draft": 10, "archived": 5})
PUBLIC_SHARE = 0.2
CHANGED_SHARE = 0.4
DAYS_OF_RUNS = 14


@dataclass(frozen=True)
class Shape:
    """What a workflow does. `steps` are types of nodes, one after the other."""

    name: str
    description: str
    category: str
    tags: str
    steps: tuple[str, ...]
    hour: int | None


SHAPES = (
    Shape("Morning summary", "Sums up yesterday's figures, and mails them", "Reporting", "{daily,mail}",
          ("trigger", "query", "ai", "email"), 6),
    Shape("New lead", "Greets whoever fills in the form, and tells sales", "Marketing", "{leads,webhook}",
          ("trigger", "ai", "condition", "notify"), None),
    Shape("Invoice intake", "Reads what suppliers send, and files it", "Finance", "{invoices}",
          ("trigger", "extract", "ai", "store"), None),
    Shape("Weekly digest", "Collects news of the trade", "Research", "{weekly,news}",
          ("trigger", "fetch", "ai", "publish"), 7),
)  # fmt: skip


@dataclass(frozen=True)
class SeedWorkflow:
    """A workflow, as its runs need to know it; `runs` are their times in milliseconds."""

    id: str
    team: SeedTeam
    owner: Person
    trigger: str
    steps: tuple[str, ...]
    runs: tuple[int, ...]


def team_workflows(team: SeedTeam, basket: Basket) -> list[SeedWorkflow]:
    """The workflow of a team, where it has one, with all that belongs to it put into the basket."""
    random = basket.stream("workflows")
    known = team.slug == README_TEAM
    if random.random() >= WITH_WORKFLOW_SHARE and not known:
        return []
    shape = SHAPES[0] if known else SHAPES[int(random.random() * len(SHAPES))]
    owner = team.people[0][0]
    created = between(team.created, ANCHOR_MS - DAY_MS, random.random() ** 2)
    status = "active" if known else STATUSES.draw(random)
    key = id_at(created, random)
    changed = between(created, ANCHOR_MS, random.random()) if random.random() < CHANGED_SHARE else None
    graph = _graph(shape)
    at = moment(changed or created)
    basket.add(
        "workflows",
        (
            key, team.id, owner.id, shape.name, shape.description, *graph, _settings(changed),
            1 if changed is None else 2, status, status == "active", random.random() < PUBLIC_SHARE, shape.category,
            shape.tags, moment(created), at,
        ),
    )  # fmt: skip
    for version, made in enumerate((created, *(() if changed is None else (changed,))), 1):
        notes = None if version == 1 else "tries again twice"
        settings = _settings(None if version == 1 else changed)
        row = (id_at(made, random), key, version, *graph, settings, owner.id, notes, moment(made))
        basket.add("workflow_versions", row)
    if shape.hour is not None:
        _add_schedule(key, shape.hour, created, basket, active=status == "active")
    return [SeedWorkflow(key, team, owner, _trigger(shape), shape.steps, _runs(shape, status, created))]


def _graph(shape: Shape) -> tuple[str, str]:
    nodes = [
        {"id": f"node-{place}", "type": step, "name": step.capitalize(), "position": {"x": 200 * place - 100, "y": 100},
         "data": _data(step)}
        for place, step in enumerate(shape.steps, 1)
    ]  # fmt: skip
    connections = [
        {"source": f"node-{place}", "target": f"node-{place + 1}", "sourceHandle": "output", "targetHandle": "input"}
        for place in range(1, len(shape.steps))
    ]
    return json.dumps(nodes), json.dumps(connections)


def _data(step: str) -> dict[str, object]:
    if step == "ai":
        return {"model": "gemini-1.5-flash", "prompt": "{{input.text}}", "temperature": 0.7}
    return {"method": "POST"} if step == "trigger" else {}


def _settings(changed: int | None) -> str:
    return "{}" if changed is None else '{"retries": 2}'


def _trigger(shape: Shape) -> str:
    return "webhook" if shape.hour is None else "schedule"


def _runs(shape: Shape, status: str, created: int) -> tuple[int, ...]:
    if status != "active":
        return ()
    hour = 15 if shape.hour is None else shape.hour
    days = (ANCHOR_MS - back * DAY_MS + hour * HOUR_MS for back in range(DAYS_OF_RUNS, 0, -1))
    return tuple(at for at in days if at > created)


def _add_schedule(workflow: str, hour: int, created: int, basket: Basket, *, active: bool) -> None:
    random = basket.stream("workflow_schedules")
    # The anchor is at midnight: it starts next on the same day.
    following = moment(ANCHOR_MS + hour * HOUR_MS) if active else None
    at = moment(created)
    row = (id_at(created, random), workflow, f"0 {hour} * * *", "UTC", following, active, at, at)
    basket.add("workflow_schedules", row)
