"""What the seeded platform sells, and its models. Where the sources differ, a comment says whose value was chosen."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from platform_core.db.seed_people import LAUNCH_MS, id_at, moment
from platform_core.db.seed_users import Row

PLAN_COLUMNS = (
    "id", "name", "description", "price_monthly", "price_yearly", "stripe_product_id", "stripe_price_monthly",
    "stripe_price_yearly", "max_personal_agents", "max_work_agents", "max_total_agents", "max_workflows",
    "runs_per_month", "workflow_runs_per_month", "messages_per_month", "storage_bytes", "requests_per_day",
    "requests_per_minute", "monthly_credits", "overage_run", "overage_workflow_run", "overage_message", "overage_gb",
    "overage_1000_requests", "features", "created_at", "updated_at",
)  # fmt: skip
MODEL_COLUMNS = ("id", "name", "provider", "model_id", "config", "created_at", "updated_at")
AGENT_PLAN_COLUMNS = (
    "id", "agent_id", "code", "price", "currency", "provider_plan_id", "requests_per_day", "requests_per_minute",
    "created_at", "updated_at",
)  # fmt: skip

# automateai writes MB and GB and does not say which: binary ones, of which a customer gets more.
MB = 1024 * 1024
GB = 1024 * MB
UNLIMITED = None
# A year is sold for ten months; no source names a price for it.
MONTHS_OF_A_YEAR = 10


@dataclass(frozen=True)
class Plan:
    """A plan of the platform; prices in minor units of USD, overages for each of Overage, in its order."""

    id: str
    name: str
    description: str
    price: int
    personal_agents: int | None
    work_agents: int | None
    total_agents: int | None
    workflows: int | None
    runs: int | None
    workflow_runs: int | None
    messages: int | None
    storage: int | None
    requests_per_day: int | None
    requests_per_minute: int | None
    credits: int | None
    overages: tuple[int | None, ...]
    features: tuple[str, ...]

    @property
    def price_yearly(self) -> int:
        """What a year costs."""
        return self.price * MONTHS_OF_A_YEAR

    def price_id(self, cycle: str) -> str:
        """Its price at Stripe."""
        return f"price_{self.id}_{cycle}"


# Agents and prices are a1zap's, the only ones that are for sale there. Runs of agents are agent-factory's quotas.
# Workflows, their runs and storage are automateai's. Messages, requests, credits and overages: no source has figures;
# a1zap names limits on messages and overage billing without any, agent-factory 60 requests a minute for each key.
FREE = Plan(
    "free", "Free", "For trying it out", 0, 1, 1, 2, 5, 100, 1_000, 1_000, 100 * MB, 1_000, 60, 100,
    (None, None, None, None, None), ("community support",),
)  # fmt: skip
PRO = Plan(
    "pro", "Pro", "For people who work with agents every day", 2_999, 5, 5, 10, 50, 1_000, 50_000, 25_000, 10 * GB,
    20_000, 120, 2_000, (5, 1, 1, 25, 50), ("support by mail", "custom domains"),
)  # fmt: skip
# Runs: agent-factory's 10,000. automateai has unlimited executions, but of workflows; a1zap writes unlimited as -1.
ENTERPRISE = Plan(
    "enterprise", "Enterprise", "For companies", 9_999, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, 10_000, UNLIMITED,
    UNLIMITED, UNLIMITED, 200_000, 600, 10_000, (3, None, None, None, 25),
    ("support by phone", "custom domains", "single sign-on"),
)  # fmt: skip
PLANS = (FREE, PRO, ENTERPRISE)

# automateai's: name, provider, id there, tokens at most, temperature.
MODELS = (
    ("Gemini 1.5 Flash", "gemini", "gemini-1.5-flash", 2_048, 0.7),
    ("Llama 3 70B", "groq", "llama3-70b-8192", 8_192, 0.7),
)
# brain9's: code, price in minor units of INR, requests a day and a minute. It sells 199 and 1,999 without a unit:
# rupees, for a plan of two rupees would be worth no payment.
ANAYA_CURRENCY = "INR"
ANAYA_PLANS = (("free", 0, 100, 10), ("monthly", 19_900, 1_000, 60), ("yearly", 199_900, 2_000, 100))


def plan_rows(count: int, random: Random) -> Iterator[Row]:  # noqa: ARG001 - of every table's form
    """Rows of plans in the order of PLAN_COLUMNS."""
    at = moment(LAUNCH_MS)
    for plan in PLANS:
        # What costs nothing is not sold at Stripe.
        stripe: tuple[str | None, ...] = (None, None, None)
        if plan.price:
            stripe = (f"prod_{plan.id}", plan.price_id("monthly"), plan.price_id("yearly"))
        yield (
            plan.id, plan.name, plan.description, plan.price, plan.price_yearly, *stripe, plan.personal_agents,
            plan.work_agents, plan.total_agents, plan.workflows, plan.runs, plan.workflow_runs, plan.messages,
            plan.storage, plan.requests_per_day, plan.requests_per_minute, plan.credits, *plan.overages,
            json.dumps(plan.features), at, at,
        )  # fmt: skip


def model_rows(count: int, random: Random) -> Iterator[Row]:  # noqa: ARG001 - of every table's form
    """Rows of models in the order of MODEL_COLUMNS."""
    at = moment(LAUNCH_MS)
    for name, provider, model_id, tokens, temperature in MODELS:
        config = json.dumps({"maxTokens": tokens, "temperature": temperature})
        yield id_at(LAUNCH_MS, random), name, provider, model_id, config, at, at


def agent_plan_rows(agent_id: str, created: int, random: Random) -> dict[str, Row]:
    """Rows of Anaya's plans in the order of AGENT_PLAN_COLUMNS, by their codes."""
    at = moment(created)
    return {
        code: (
            id_at(created, random), agent_id, code, price, ANAYA_CURRENCY, f"plan_anaya_{code}" if price else None,
            a_day, a_minute, at, at,
        )
        for code, price, a_day, a_minute in ANAYA_PLANS
    }  # fmt: skip
