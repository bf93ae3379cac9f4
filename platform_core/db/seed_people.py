"""The people of the seeded company: who signed up when. The rows of every table are about them.

All of it comes from random streams with fixed seeds and from a fixed anchor date: never from the clock, the order of
a set, or the machine.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Generic, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

ANCHOR = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 365

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ANCHOR_MS = (ANCHOR - EPOCH) // MILLISECOND
LAUNCH_MS = ANCHOR_MS - DAYS * DAY_MS
# The people of the README sign up on the morning of the launch, minutes apart, before everybody else.
FIRST_SIGN_UP_MS = LAUNCH_MS + 8 * HOUR_MS
BETWEEN_KNOWN_MS = 17 * 60_000

SATURDAY = 5
WEEKDAY_PERCENT = 100
WEEKEND_PERCENT = 45
# Sign-ups by hour of the day in UTC: customers are everywhere, most of them between Europe's morning and America's.
HOUR_WEIGHTS = (4, 3, 3, 3, 4, 5, 7, 9, 11, 12, 12, 11, 11, 13, 15, 15, 14, 12, 10, 9, 8, 7, 6, 5)

CREATOR_SHARE = 0.045
DELETED_SHARE = 0.012
SUSPENDED_SHARE = 0.03


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom README examples and tests name. Days count from the launch."""

    email: str
    username: str | None
    first_name: str
    last_name: str
    full_name: str
    role: str
    email_verified: bool
    daily_budget: str | None
    default_llm_provider: str
    onboarding_completed: bool
    source: str
    locale: str
    login_days: int | None
    stripe_customer_id: str | None = None
    stripe_connect_account_id: str | None = None
    suspended_reason: str | None = None
    suspended_days: int | None = None
    deleted_days: int | None = None


class Culture(msgspec.Struct, frozen=True):
    """Names that go together; each name as it is written, with its ASCII form. `mixes`: marries into the others."""

    locale: str
    weight: int
    mixes: bool
    joiner: str
    family_first: bool
    given: dict[str, str]
    family: dict[str, str]


class Domain(msgspec.Struct, frozen=True):
    """A mail domain reserved by RFC 2606, and how its addresses are made of names."""

    name: str
    weight: int
    joiner: str
    family_first: bool


class SeedData(msgspec.Struct, frozen=True):
    """seed_data.json. Mappings of words to numbers are weights."""

    known: tuple[Known, ...]
    cultures: tuple[Culture, ...]
    domains: tuple[Domain, ...]
    staff_domain: Domain
    username_words: tuple[str, ...]
    sources: dict[str, int]
    suspension_reasons: dict[str, int]
    payment_reasons: frozenset[str]
    daily_budgets: dict[str, int]
    llm_providers: dict[str, int]


@cache
def seed_data() -> SeedData:
    """The data file, read once."""
    return msgspec.json.decode((files("platform_core.db") / "seed_data.json").read_bytes(), type=SeedData)


@dataclass(frozen=True)
class Weighted(Generic[T]):
    """Things to choose from, some more often than others."""

    items: tuple[T, ...]
    cumulative: tuple[int, ...]

    @classmethod
    def of(cls, weights: Mapping[T, int]) -> "Weighted[T]":
        """From things with their weights, in the mapping's order."""
        return cls(tuple(weights), tuple(accumulate(weights.values())))

    def draw(self, random: Random) -> T:
        """One of them."""
        return random.choices(self.items, cum_weights=self.cumulative)[0]


class Tally:
    """Makes names unique by counting how often each was used, in memory that does not grow with the company."""

    def __init__(self, size: int) -> None:
        self._counts = array("I", [0]) * size

    def suffix(self, index: int) -> str:
        """What to append to the name with this index: nothing at first, then 2, 3, ..."""
        self._counts[index] += 1
        count = self._counts[index]
        return "" if count == 1 else str(count)


class Person(NamedTuple):
    """What several tables need to know about somebody. Times are milliseconds since 1970.

    `known` is set for the people of the README.
    """

    id: str
    created: int
    role: str
    suspended: int | None
    deleted: int | None
    known: Known | None

    @property
    def active_until(self) -> int:
        """Until when something could happen to this person's account."""
        return min(self.suspended or ANCHOR_MS, self.deleted or ANCHOR_MS)


def stream(name: str) -> Random:
    """A random stream of its own for each name, the same in every run: a new table does not change the others."""
    return Random(f"agentadm/{name}")  # noqa: S311 - must be repeatable, protects nothing


def people(count: int) -> Iterator[Person]:
    """The company's people by the time of their sign-up, the known ones first; the same ones at every call.

    Args:
        count: how many, the known ones included.
    """
    random = stream("people")
    known_people = seed_data().known
    for number, known in enumerate(known_people):
        created = FIRST_SIGN_UP_MS + number * BETWEEN_KNOWN_MS
        yield Person(
            id_at(created, random), created, known.role, _day(known.suspended_days), _day(known.deleted_days), known
        )
    # A company of any size needs somebody at the desk, and a large one does not need thousands.
    support = (4 + count // 5_000) / count
    staff = support + (1 + count // 50_000) / count
    for created in sign_ups(count - len(known_people), random):
        role_draw = random.random()
        fate = random.random()
        role = "user"
        suspended = deleted = None
        if role_draw < support:
            role = "support"
        elif role_draw < staff:
            role = "admin"
        else:
            if role_draw > 1 - CREATOR_SHARE:
                role = "creator"
            if fate < DELETED_SHARE:
                deleted = between(created, ANCHOR_MS, random.random())
            elif fate < DELETED_SHARE + SUSPENDED_SHARE:
                suspended = between(created, ANCHOR_MS, random.random())
        yield Person(id_at(created, random), created, role, suspended, deleted, None)


def sign_ups(count: int, random: Random) -> Iterator[int]:
    """Moments of sign-up in order, from the day after the launch to the anchor: more on week days, and ever more."""
    weights = [_day_weight(day) for day in range(1, DAYS)]
    total = sum(weights)
    hours = Weighted.of(dict(enumerate(HOUR_WEIGHTS)))
    done = 0
    # Shares by subtraction, so that they always sum to the whole.
    for day, so_far in enumerate(accumulate(weights), 1):
        until = count * so_far // total
        midnight = LAUNCH_MS + day * DAY_MS
        yield from sorted(
            midnight + hours.draw(random) * HOUR_MS + int(random.random() * HOUR_MS) for _ in range(until - done)
        )
        done = until


def _day_weight(day: int) -> int:
    weekend = (ANCHOR - timedelta(days=DAYS - day)).weekday() >= SATURDAY
    return (150 + day + day * day // 110) * (WEEKEND_PERCENT if weekend else WEEKDAY_PERCENT)


def _day(days: int | None) -> int | None:
    # At three in the afternoon: after the morning's sign-ups, whatever the day.
    return None if days is None else LAUNCH_MS + days * DAY_MS + 15 * HOUR_MS


def between(start: int, end: int, share: float) -> int:
    """A moment after `start` and not after `end`, a share of the way from one to the other."""
    return start + 1 + int((end - start - 1) * share)


def moment(milliseconds: int) -> datetime:
    """Milliseconds since 1970 as a time."""
    return EPOCH + milliseconds * MILLISECOND


def id_at(milliseconds: int, random: Random) -> str:
    """A UUID v7 of that time with random bits from a stream."""
    bits = random.getrandbits(74)
    return uuid_text(milliseconds << 80 | 0x7 << 76 | bits >> 62 << 64 | 0b10 << 62 | bits & (1 << 62) - 1)


def uuid_text(value: int) -> str:
    """A UUID as it is usually written; many times faster than uuid.UUID."""
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
