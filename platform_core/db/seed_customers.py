"""Rows of the seeded company's customers: subscriptions, limits that support granted, and API keys."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random

from platform_core.db.seed_agents import SeedAgent
from platform_core.db.seed_basket import Basket
from platform_core.db.seed_instances import SeedInstance
from platform_core.db.seed_people import (
    ANCHOR,
    ANCHOR_MS,
    DAY_MS,
    EPOCH,
    MILLISECOND,
    Weighted,
    between,
    id_at,
    moment,
)
from platform_core.db.seed_plans import ANAYA_CURRENCY, ANAYA_PLANS, ENTERPRISE, PRO, Plan
from platform_core.db.seed_queries import Customer
from platform_core.db.seed_teams import SeedTeam
from platform_core.db.seed_users import Row, base62

SUBSCRIPTION_COLUMNS = (
    "id", "user_id", "team_id", "plan_id", "family", "agent_plan_id", "agent_id", "provider",
    "provider_subscription_id", "provider_price_id", "status", "billing_cycle", "amount", "currency",
    "current_period_start", "current_period_end", "trial_end", "cancelled_at", "cancel_reason", "created_at",
    "updated_at",
)  # fmt: skip
OVERRIDE_COLUMNS = (
    "id",
    "user_id",
    "team_id",
    "limit_name",
    "value",
    "reason",
    "expires_at",
    "created_at",
    "updated_at",
)
KEY_COLUMNS = (
    "id", "user_id", "team_id", "agent_id", "name", "environment", "key_hash", "display_start", "hash_version",
    "scopes", "rate_limit_per_minute", "quota", "last_used_at", "expires_at", "revoked_at", "revoked_reason",
    "created_at", "updated_at",
)  # fmt: skip

SUBSCRIBED_SHARE = 1 / 3
# Of the README's people, by their usernames: to pro.
SUBSCRIBED = frozenset({"grace", "linus"})
YEARLY_SHARE = 0.2
# A subscription to the catalogue's agent, of those who hired it; a plan, of teams.
AGENT_SUBSCRIBED_SHARE = 0.3
TEAM_SUBSCRIBED_SHARE = 0.1
PLANS = Weighted.of({"pro": 93, "enterprise": 7})
STATUSES = Weighted.of({"active": 84, "past_due": 6, "cancelled": 10})
TRIAL = timedelta(days=14)
REASONS = ("too expensive", "not used any more", "moved to another platform", "wanted for one project only")
README_TEAM = "analytical-engines"

OVERRIDE_SHARE = 0.06
# Which limit, what is allowed instead, why, and for how many days from the anchor; None is for good.
OVERRIDES = (
    ("runs_per_month", 5_000, "launch campaign", 30),
    ("storage_bytes", 50 * 1024**3, "scans of the archive, until they are moved", 90),
    ("max_workflows", 20, "agreed with sales", None),
    ("requests_per_minute", 600, "load test in September", -30),
)
# The same of the README's people, by their usernames.
KNOWN_OVERRIDES: dict[str, tuple[tuple[str, int, str, int | None], ...]] = {
    "grace": (("max_personal_agents", 3, "tries out what creators will get", None),),
    "mei": (("runs_per_month", 500, "a prize of the hackathon", -60),),
}

KEY_NAMES = ("Production", "Staging", "Laptop", "CI", "Warehouse sync", "Website")
SCOPES = Weighted.of(
    {"{agents:read,agents:write,runs:read,runs:write}": 70, "{agents:read,runs:read}": 20, "{runs:write}": 10}
)
RATES = Weighted.of({60: 80, 120: 15, 600: 5})
MOST_KEYS = 3
LIVE_SHARE = 0.8
OF_TEAM_SHARE = 0.6
OF_AGENT_SHARE = 0.25
EXPIRING_SHARE = 0.3
REVOKED_SHARE = 0.12
QUOTA_SHARE = 0.1
REVOKED_REASONS = ("leaked in a public repository", "owner left the team", "replaced by a newer one")


def subscription_rows(customers: Iterable[Customer], random: Random) -> Iterator[Row]:
    """Rows of people's subscriptions to plans, in the order of SUBSCRIPTION_COLUMNS: of a third of the customers."""
    for customer in customers:
        known = customer.username in SUBSCRIBED
        if not (random.random() < SUBSCRIBED_SHARE or known):
            continue
        plan = PRO if known or PLANS.draw(random) == PRO.id else ENTERPRISE
        status = "active" if known else STATUSES.draw(random)
        end = customer.deleted_at or ANCHOR
        if customer.deleted_at is not None:
            status = "cancelled"
        elif customer.suspended and status == "active":
            status = "unpaid"
        begun = customer.created_at + (end - customer.created_at) * random.random() ** 1.5
        yield _subscription((customer.id, None), plan, status, begun, end, random)


def _subscription(
    customer: tuple[object, object], plan: Plan, status: str, begun: datetime, end: datetime, random: Random
) -> Row:
    cycle = "yearly" if random.random() < YEARLY_SHARE else "monthly"
    trial = begun + TRIAL if status == "active" and end - begun < TRIAL else None
    cancelled = begun + (end - begun) * random.random() if status == "cancelled" else None
    amount = plan.price_yearly if cycle == "yearly" else plan.price
    start, until = (begun, trial) if trial else period(begun, cycle, cancelled or ANCHOR)
    reason = None if cancelled is None else REASONS[int(random.random() * len(REASONS))]
    return (
        _id(begun, random), *customer, plan.id, "platform", None, None, "stripe", f"sub_{base62(24, random)}",
        plan.price_id(cycle), "trialing" if trial else status, cycle, amount, "USD", start, until, trial, cancelled,
        reason, begun, cancelled or max(begun, min(start, ANCHOR)),
    )  # fmt: skip


def add_team_subscription(team: SeedTeam, basket: Basket) -> None:
    """A team's plan, where it has one: the README's team by an agreement, others at Stripe."""
    random = basket.stream("subscriptions of teams")
    draw, begun = random.random(), moment(between(team.created, ANCHOR_MS, random.random()))
    if team.slug == README_TEAM:
        start, until = period(begun, "yearly", ANCHOR)
        row = (
            _id(begun, random), None, team.id, ENTERPRISE.id, "platform", None, None, "manual", None, None, "active",
            "yearly", ENTERPRISE.price_yearly, "USD", start, until, None, None, None, begun, begun,
        )  # fmt: skip
        basket.add("subscriptions", row)
    elif team.deleted is None and draw < TEAM_SUBSCRIBED_SHARE:
        basket.add("subscriptions", _subscription((None, team.id), PRO, "active", begun, ANCHOR, random))


def add_agent_subscription(instance: SeedInstance, plans: dict[str, str], basket: Basket) -> None:
    """For some who hired the catalogue's agent a subscription to it; the others use its free plan."""
    random = basket.stream("subscriptions of agents")
    if random.random() >= AGENT_SUBSCRIBED_SHARE:
        return
    cycle = "yearly" if random.random() < YEARLY_SHARE else "monthly"
    price = next(price for code, price, _, _ in ANAYA_PLANS if code == cycle)
    begun = moment(between(instance.created, ANCHOR_MS, random.random()))
    start, until = period(begun, cycle, ANCHOR)
    basket.add(
        "subscriptions",
        (
            _id(begun, random), instance.user.id, None, None, None, plans[cycle], instance.agent.id, "razorpay",
            f"sub_{base62(14, random)}", f"plan_anaya_{cycle}", "active", cycle, price, ANAYA_CURRENCY, start, until,
            None, None, None, begun, start,
        ),
    )  # fmt: skip


def add_overrides(team: SeedTeam, basket: Basket) -> None:
    """What support granted a team, or the person whose personal team it is."""
    random = basket.stream("limit_overrides")
    granted: tuple[tuple[str, int, str, int | None], ...] = ()
    known = team.people[0][0].known
    if team.personal_of is not None and known is not None:
        granted = KNOWN_OVERRIDES.get(known.username or "", ())
    elif known is None and random.random() < OVERRIDE_SHARE:
        granted = (OVERRIDES[int(random.random() * len(OVERRIDES))],)
    for limit, value, reason, days in granted:
        created = between(team.created, ANCHOR_MS - DAY_MS, random.random() * 0.2)
        expires = None if days is None else ANCHOR + timedelta(days=days)
        whose = (team.personal_of, None if team.personal_of else team.id)
        at = moment(created)
        basket.add("limit_overrides", (id_at(created, random), *whose, limit, value, reason, expires, at, at))


def add_keys(team: SeedTeam, agents: list[SeedAgent], basket: Basket) -> None:
    """One to three API keys of a team's people; nobody knows the keys, only what is stored of them is here."""
    random = basket.stream("api_keys")
    living = [agent for agent in agents if agent.deleted is None]
    for _ in range(1 + int(random.random() * MOST_KEYS)):
        person = team.people[int(random.random() * len(team.people))][0]
        created = between(team.created, ANCHOR_MS - DAY_MS, random.random())
        environment = "live" if random.random() < LIVE_SHARE else "test"
        agent = living[int(random.random() * len(living))] if living and random.random() < OF_AGENT_SHARE else None
        expires = created + 90 * DAY_MS * (1 + int(random.random() * 4)) if random.random() < EXPIRING_SHARE else None
        revoked = between(created, ANCHOR_MS, random.random()) if random.random() < REVOKED_SHARE else None
        reason = None if revoked is None else REVOKED_REASONS[int(random.random() * len(REVOKED_REASONS))]
        ended = min(revoked or ANCHOR_MS, expires or ANCHOR_MS, ANCHOR_MS)
        used = between(created, ended, 1 - random.random() ** 3) // 60_000 * 60_000
        basket.add(
            "api_keys",
            (
                id_at(created, random), person.id, team.id if random.random() < OF_TEAM_SHARE else None,
                agent and agent.id, KEY_NAMES[int(random.random() * len(KEY_NAMES))], environment,
                f"{random.getrandbits(256):064x}",
                f"aa_{environment}_{base62(6, random)}", "1", SCOPES.draw(random), RATES.draw(random),
                10_000 if random.random() < QUOTA_SHARE else None, moment(used) if used > created else None,
                None if expires is None else moment(expires), None if revoked is None else moment(revoked), reason,
                moment(created), moment(revoked or created),
            ),
        )  # fmt: skip


def period(begun: datetime, cycle: str, at: datetime) -> tuple[datetime, datetime]:
    """The period of a subscription in which a moment falls."""
    step = 12 if cycle == "yearly" else 1
    number = (at.year - begun.year) * 12 // step + (0 if step > 1 else at.month - begun.month)
    while number > 0 and _months_later(begun, number * step) > at:
        number -= 1
    return _months_later(begun, number * step), _months_later(begun, (number + 1) * step)


def _months_later(begun: datetime, months: int) -> datetime:
    # From the day on which it began, so that the 31st does not drift.
    year, month = divmod(begun.year * 12 + begun.month - 1 + months, 12)
    return begun.replace(year=year, month=month + 1, day=min(begun.day, monthrange(year, month + 1)[1]))


def _id(at: datetime, random: Random) -> str:
    return id_at((at - EPOCH) // MILLISECOND, random)
