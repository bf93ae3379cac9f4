"""Rows of the seeded company's runs and errors: the last weeks before the anchor."""

import json
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from random import Random

from platform_core.db.seed_agents import ANAYA_LAST_RUN_MS, WINDOW_MS, SeedAgent
from platform_core.db.seed_basket import Basket
from platform_core.db.seed_instances import SeedInstance
from platform_core.db.seed_people import ANCHOR, ANCHOR_MS, Weighted, between, id_at, moment
from platform_core.db.seed_teams import SeedTeam
from platform_core.db.seed_workflows import SeedWorkflow

RUN_COLUMNS = (
    "id", "created_at", "agent_id", "workflow_id", "user_id", "team_id", "instance_id", "status", "input", "output",
    "error", "triggered_by", "retry_count", "started_at", "completed_at", "duration_ms", "model_used", "tokens_prompt",
    "tokens_completion", "tokens_total", "cost_usd", "llm_call_count", "tool_calls", "logs", "updated_at",
)  # fmt: skip
ERROR_COLUMNS = (
    "id", "type", "message", "stack", "user_id", "agent_id", "run_id", "run_created_at", "request_path",
    "request_method", "created_at",
)  # fmt: skip

STATUSES = Weighted.of({"completed": 88, "failed": 6, "cancelled": 4, "timed_out": 2})
ENDED = frozenset({"failed", "timed_out"})
TRIGGERS = Weighted.of({"api": 60, "web": 30, "schedule": 10})
# What began so shortly before the anchor is still under way.
UNDER_WAY_MS = 3 * 60_000
UNDER_WAY = Weighted.of({"running": 2, "queued": 1})
RETRIED_SHARE = 0.03
TIME_LIMIT_MS = 120_000
MOST_HIRED_RUNS = 6
# Billionths of a USD for a token sent and for one answered.
PRICES = {
    "gpt-4o-mini": (150, 600), "claude-3-5-haiku": (800, 4_000), "gemini-1.5-flash": (75, 300),
    "llama3-70b-8192": (590, 790),
}  # fmt: skip
# Type, message, and where it was.
ERRORS = (
    ("ProviderTimeout", "the model's provider did not answer within 30 s", "providers/client.py, line 88, in complete"),
    ("ToolFailed", "search_documents: connection reset by peer", "tools/runner.py, line 41, in call"),
    ("RateLimited", "429 from the model's provider, 3 attempts", "providers/client.py, line 102, in complete"),
    ("BadOutput", "the answer is not the JSON that was asked for", "agents/loop.py, line 210, in parse"),
)
LOGGED_SHARE = 0.5
REQUEST_PATHS = ("/v1/agents", "/v1/runs", "/v1/workflows")
STRAY_SHARE = 0.05


@dataclass(frozen=True)
class Doer:
    """What runs, for whom: an agent or a workflow, of a team, on an instance where there is one."""

    user_id: str
    team: SeedTeam
    agent: SeedAgent | None = None
    workflow: SeedWorkflow | None = None
    instance: SeedInstance | None = None


def months() -> list[date]:
    """The months in which runs may be; each wants a partition."""
    first, last = moment(ANCHOR_MS - WINDOW_MS), ANCHOR
    count = (last.year - first.year) * 12 + last.month - first.month
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count + 1)]


def add_agent_runs(agent: SeedAgent, instance: SeedInstance | None, basket: Basket) -> None:
    """An agent's runs by its team's people; its newest is when the agent says that it was."""
    random = basket.stream("runs")
    if agent.last_run is None or not agent.runs:
        return
    start = max(agent.created, ANCHOR_MS - WINDOW_MS)
    earlier = [between(start, agent.last_run, 1 - random.random() ** 2) for _ in range(agent.runs - 1)]
    for at in sorted([*(min(each, agent.last_run) for each in earlier), agent.last_run]):
        person = agent.team.people[int(random.random() * len(agent.team.people))][0]
        user = agent.owner if instance is not None else person
        _add_run(Doer(user.id, agent.team, agent=agent, instance=instance), at, basket)


def add_hired_runs(instance: SeedInstance, team: SeedTeam, basket: Basket) -> None:
    """What an instance of the catalogue's agent did for who hired it."""
    random = basket.stream("runs")
    start, end = max(instance.created, ANCHOR_MS - WINDOW_MS), min(instance.until, ANAYA_LAST_RUN_MS - 1)
    times = [between(start, end, random.random()) for _ in range(int(random.random() ** 3 * MOST_HIRED_RUNS))]
    known = instance.user.known
    if known is not None and known.username == "grace":
        times.append(ANAYA_LAST_RUN_MS)
    for at in sorted(times) if start < end else ():
        _add_run(Doer(instance.user.id, team, agent=instance.agent, instance=instance), at, basket)


def add_workflow_runs(workflow: SeedWorkflow, basket: Basket) -> None:
    """A workflow's runs, one a day at most."""
    for number, at in enumerate(workflow.runs):
        _add_run(Doer(workflow.owner.id, workflow.team, workflow=workflow), at + number, basket)


def _add_run(doer: Doer, at: int, basket: Basket) -> None:
    random = basket.stream("runs")
    status = STATUSES.draw(random)
    if at > ANCHOR_MS - UNDER_WAY_MS and doer.team.people[0][0].known is not None:
        status = UNDER_WAY.draw(random)
    queued, over = status == "queued", status not in {"queued", "running"}
    began = at + 40 + int(random.random() * 900)
    took = TIME_LIMIT_MS if status == "timed_out" else 900 + int(random.random() ** 3 * 90_000)
    # Nothing ends after the anchor.
    took = min(took, max(1, ANCHOR_MS - 1 - began))
    error = ERRORS[int(random.random() * len(ERRORS))] if status in ENDED else None
    key, user, team = id_at(at, random), doer.user_id, doer.team
    basket.add(
        "runs",
        (
            key, moment(at), doer.agent and doer.agent.id, doer.workflow and doer.workflow.id, user, team.id,
            doer.instance and doer.instance.id, status, *_texts(doer, status, error and error[1], random),
            _trigger(doer, random), int(random.random() < RETRIED_SHARE), None if queued else moment(began),
            moment(began + took) if over else None, took if over else None, *_effort(doer, took, random, over=over),
            moment(began + took) if over else moment(at if queued else began),
        ),
    )  # fmt: skip
    if error is not None and random.random() < LOGGED_SHARE:
        _add_error(doer, error, (key, at, began + took), basket)


def _texts(doer: Doer, status: str, error: str | None, random: Random) -> tuple[str | None, str | None, str | None]:
    number = 2 + int(random.random() * 9)
    if doer.agent is None:
        asked, answer = json.dumps({"batch": number}), json.dumps({"rows": number * 12})
    else:
        kind = doer.agent.kind
        asked = kind.questions[int(random.random() * len(kind.questions))]
        answer = kind.answer.format(page=number)
    return asked, answer if status == "completed" else None, error


def _trigger(doer: Doer, random: Random) -> str:
    return TRIGGERS.draw(random) if doer.workflow is None else doer.workflow.trigger


def _effort(doer: Doer, took: int, random: Random, *, over: bool) -> tuple[object, ...]:
    """Model, tokens, cost, calls, tools and logs: of what is over."""
    model = "gemini-1.5-flash" if doer.agent is None else doer.agent.model
    prompt, completion = 300 + int(random.random() ** 2 * 9_000), 60 + int(random.random() ** 2 * 1_400)
    calls = 1 + int(random.random() * 6)
    tools = doer.agent.kind.tools if doer.agent else ()
    used = [{"tool": tool, "duration_ms": took // (calls + place)} for place, tool in enumerate(tools[:calls], 1)]
    logs = None
    if doer.workflow is not None:
        logs = json.dumps([f"{start} -> {end}" for start, end in pairwise(doer.workflow.steps)])
    if not over:
        return (model, None, None, None, None, None, None, None)
    sent, answered = PRICES[model]
    millionths = (prompt * sent + completion * answered) // 1_000
    cost = f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"
    return (model, prompt, completion, prompt + completion, cost, calls, json.dumps(used) if used else None, logs)


def _add_error(doer: Doer, error: tuple[str, str, str], run: tuple[str, int, int], basket: Basket) -> None:
    random = basket.stream("error_logs")
    key, created, at = run
    kind, message, place = error
    agent = doer.agent and doer.agent.id
    run_fields: tuple[object, ...] = (key, moment(created), "/v1/runs", "POST")
    if random.random() < STRAY_SHARE:
        # Of a request that came to no run.
        path = REQUEST_PATHS[int(random.random() * len(REQUEST_PATHS))]
        run_fields = (None, None, path, "GET")
    row = (id_at(at, random), kind, message, place, doer.user_id, agent, *run_fields, moment(at))
    basket.add("error_logs", row)
