"""Rows of the seeded company's users and their identities at sign-in providers."""

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import NamedTuple

import msgspec

from platform_core.db.seed_people import (
    LAUNCH_MS,
    Domain,
    Known,
    Person,
    Tally,
    Weighted,
    between,
    id_at,
    moment,
    people,
    seed_data,
    uuid_text,
)

Row = tuple[object, ...]

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
STAFF = frozenset({"support", "admin"})

USER_COLUMNS = (
    "id", "email", "email_verified", "username", "first_name", "last_name", "full_name", "avatar_url", "role", "status",
    "suspended_reason", "stripe_customer_id", "stripe_connect_account_id", "billing_anchor_day", "default_llm_provider",
    "daily_budget", "onboarding_completed", "last_login_at", "metadata", "deleted_at", "created_at", "updated_at",
)  # fmt: skip
IDENTITY_COLUMNS = ("id", "user_id", "provider", "subject", "created_at", "updated_at")

USERNAME_SHARE = 0.5
VERIFIED_SHARE = 0.9
AVATAR_SHARE = 0.35
CUSTOMER_SHARE = 0.33
CONNECTED_CREATORS_SHARE = 0.7
ONBOARDED_SHARE = 0.72
NEVER_BACK_SHARE = 0.1
STILL_ACTIVE_SHARE = 0.6
MIXED_NAMES_SHARE = 0.08
SECOND_IDENTITY_SHARE = 0.08
UNLIMITED = "unlimited"


class Name(NamedTuple):
    """A person's name as it is written, in ASCII, and where its parts stand in the lists of all names."""

    first: str
    last: str
    full: str
    first_ascii: str
    last_ascii: str
    first_index: int
    last_index: int
    locale: str


class Names:
    """Draws names, addresses and usernames; no address and no username twice."""

    def __init__(self) -> None:
        data = seed_data()
        self._cultures = Weighted.of({number: culture.weight for number, culture in enumerate(data.cultures)})
        self._given = [list(culture.given.items()) for culture in data.cultures]
        self._family = [list(culture.family.items()) for culture in data.cultures]
        self._mixing = [number for number, culture in enumerate(data.cultures) if culture.mixes]
        self._given_starts = [sum(map(len, self._given[:number])) for number in range(len(data.cultures))]
        self._family_starts = [sum(map(len, self._family[:number])) for number in range(len(data.cultures))]
        given, self._families = sum(map(len, self._given)), sum(map(len, self._family))
        # The staff's domain comes first.
        self._domains = Weighted.of({number: domain.weight for number, domain in enumerate(data.domains, 1)})
        self._all_domains = (data.staff_domain, *data.domains)
        self._addresses = Tally(given * self._families * len(self._all_domains))
        self._usernames = Tally(given)
        self._long_usernames = Tally(given * self._families)
        self._word_usernames = Tally(given * len(data.username_words))

    def name(self, random: Random) -> Name:
        """Somebody's name; given and family name mostly of one culture."""
        number = family_number = self._cultures.draw(random)
        cultures = seed_data().cultures
        culture = cultures[number]
        if culture.mixes and random.random() < MIXED_NAMES_SHARE:
            family_number = pick(self._mixing, random)
        first = int(random.random() * len(self._given[number]))
        last = int(random.random() * len(self._family[family_number]))
        given, given_ascii = self._given[number][first]
        family, family_ascii = self._family[family_number][last]
        full = f"{family}{culture.joiner}{given}" if culture.family_first else f"{given}{culture.joiner}{family}"
        return Name(
            given, family, full, given_ascii, family_ascii,
            self._given_starts[number] + first, self._family_starts[family_number] + last, culture.locale,
        )  # fmt: skip

    def address(self, name: Name, random: Random, *, staff: bool) -> str:
        """An e-mail address that nobody else has, at a domain that reaches nobody."""
        number = 0 if staff else self._domains.draw(random)
        domain: Domain = self._all_domains[number]
        pair = name.first_index * self._families + name.last_index
        suffix = self._addresses.suffix(pair * len(self._all_domains) + number)
        start, end = name.first_ascii, name.last_ascii
        if domain.family_first:
            start, end = end, start
        return f"{start}{domain.joiner}{end}{suffix}@{domain.name}"

    def username(self, name: Name, random: Random) -> str:
        """A username that nobody else has: each of the three shapes has a separator of its own."""
        shape = int(random.random() * 3)
        if shape == 0:
            return name.first_ascii + self._usernames.suffix(name.first_index)
        if shape == 1:
            pair = name.first_index * self._families + name.last_index
            return f"{name.first_ascii}_{name.last_ascii}{self._long_usernames.suffix(pair)}"
        words = seed_data().username_words
        word = int(random.random() * len(words))
        return f"{name.first_ascii}-{words[word]}{self._word_usernames.suffix(name.first_index * len(words) + word)}"


def pick(items: list[int], random: Random) -> int:
    """One of them, all equally likely."""
    return items[int(random.random() * len(items))]


def base62(length: int, random: Random) -> str:
    """So many letters and digits, as in the ids of providers."""
    return "".join(random.choices(BASE62, k=length))


@cache
def _metadata(source: str, locale: str) -> str:
    return msgspec.json.encode({"source": source, "locale": locale}).decode()


def user_rows(count: int, random: Random) -> Iterator[Row]:
    """Rows of users in the order of USER_COLUMNS, oldest first.

    Args:
        count: how many, the known people included.
        random: the table's own stream.
    """
    data = seed_data()
    names = Names()
    sources, reasons = Weighted.of(data.sources), Weighted.of(data.suspension_reasons)
    budgets, providers = Weighted.of(data.daily_budgets), Weighted.of(data.llm_providers)
    chance = random.random
    for person in people(count):
        if person.known is not None:
            yield _known_row(person, person.known)
            continue
        staff = person.role in STAFF
        name = names.name(random)
        login = _last_login(person, random)
        budget = budgets.draw(random)
        connected = person.role == "creator" and chance() < CONNECTED_CREATORS_SHARE
        reason = None if person.suspended is None else reasons.draw(random)
        # Who was suspended over a payment is a customer.
        customer = not staff and (reason in data.payment_reasons or chance() < CUSTOMER_SHARE)
        created_at = moment(person.created)
        yield (
            person.id,
            names.address(name, random, staff=staff),
            staff or chance() < VERIFIED_SHARE,
            names.username(name, random) if chance() < USERNAME_SHARE else None,
            name.first,
            name.last,
            name.full,
            f"https://avatars.example.net/{person.id[-12:]}.png" if chance() < AVATAR_SHARE else None,
            person.role,
            "active" if person.suspended is None else "suspended",
            reason,
            f"cus_{base62(14, random)}" if customer else None,
            f"acct_{base62(16, random)}" if connected else None,
            created_at.day,
            providers.draw(random),
            None if budget == UNLIMITED else budget,
            staff or (login is not None and chance() < ONBOARDED_SHARE),
            None if login is None else moment(login),
            _metadata(sources.draw(random), name.locale),
            None if person.deleted is None else moment(person.deleted),
            created_at,
            _updated_at(person, login),
        )


def _known_row(person: Person, known: Known) -> Row:
    login = None if known.login_days is None else LAUNCH_MS + known.login_days * 86_400_000 + 34_200_000
    created_at = moment(person.created)
    return (
        person.id,
        known.email,
        known.email_verified,
        known.username,
        known.first_name,
        known.last_name,
        known.full_name,
        None,
        known.role,
        "active" if person.suspended is None else "suspended",
        known.suspended_reason,
        known.stripe_customer_id,
        known.stripe_connect_account_id,
        created_at.day,
        known.default_llm_provider,
        known.daily_budget,
        known.onboarding_completed,
        None if login is None else moment(login),
        _metadata(known.source, known.locale),
        None if person.deleted is None else moment(person.deleted),
        created_at,
        _updated_at(person, login),
    )


def _last_login(person: Person, random: Random) -> int | None:
    draw = random.random()
    if draw < NEVER_BACK_SHARE and person.role not in STAFF:
        return None
    share = random.random() ** 3
    # Most came back lately; the others left soon after they had looked around.
    lately = draw < NEVER_BACK_SHARE + STILL_ACTIVE_SHARE
    return between(person.created, person.active_until, 1 - share if lately else share)


def _updated_at(person: Person, login: int | None) -> object:
    return moment(max(person.created, login or 0, person.suspended or 0, person.deleted or 0))


def identity_rows(count: int, random: Random) -> Iterator[Row]:
    """Rows of identities in the order of IDENTITY_COLUMNS: one for everybody, two for some.

    Args:
        count: how many users.
        random: the table's own stream.
    """
    providers = Weighted.of({"clerk": 5, "supabase": 3, "stack_auth": 2})
    for person in people(count):
        provider = providers.draw(random)
        yield _identity_row(person, provider, person.created, random)
        if random.random() < SECOND_IDENTITY_SHARE:
            other = "supabase" if provider == "clerk" else "clerk"
            linked = between(person.created, person.active_until, random.random())
            yield _identity_row(person, other, linked, random)


def _identity_row(person: Person, provider: str, created: int, random: Random) -> Row:
    if provider == "clerk":
        subject = f"user_{base62(27, random)}"
    else:
        # A version 4 UUID, as both of the others give out.
        bits = random.getrandbits(128)
        subject = uuid_text(bits & ~(0xF << 76 | 0b11 << 62) | 0x4 << 76 | 0b10 << 62)
    created_at = moment(created)
    return id_at(created, random), person.id, provider, subject, created_at, created_at
