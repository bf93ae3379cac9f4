"""The rules of API keys; one method a command."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import database_now
from platform_core.errors import Conflict, UsageError
from platform_core.key_material.types import Purpose
from platform_core.keys import queries
from platform_core.keys.format import display_start, generate, is_whole
from platform_core.keys.types import (
    EXPIRED,
    LONGEST_START,
    ApiKey,
    Environment,
    Expiry,
    IssuedKey,
    KeyStatus,
    KeySummary,
    NewKey,
    Rehash,
)
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.periods import parse_duration, parse_end
from platform_core.refs import as_uuid, as_uuid_ending, checked_name, exactly_one

if TYPE_CHECKING:
    from platform_core.services import Services

FIND_HINT = "a key is named by its beginning as lists show it, its id, or the last 8 digits or more of its id"
# As the constraint api_keys_scopes_check has it.
SCOPE = re.compile(r"[a-z_]+:[a-z_]+")
LONGEST_REFERENCE = 36
# Is given a key that was just made, in plain text, before anything is committed.
Take = Callable[[IssuedKey, str], None]


class KeyService:
    """API keys.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection = services.connection

    def list(
        self,
        request: ListRequest,
        *,
        user: str | None = None,
        team: str | None = None,
        agent: str | None = None,
        environment: Environment | None = None,
        status: KeyStatus | None = None,
    ) -> Rows[KeySummary]:
        """Keys, newest first.

        Args:
            request: conditions, order and limit.
            user, team, agent: references; keep only their keys.
            environment, status: keep only these.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        services = self._services
        filters = queries.list_filters(
            user_id=None if user is None else services.users.find(user),
            team_id=None if team is None else services.teams.find(team),
            agent_id=None if agent is None else services.agents.find(agent),
            environment=environment,
            wanted=status,
        )
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str) -> ApiKey:
        """One key whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: it is a whole key.
        """
        _refuse_secret(reference)
        rows = queries.load(self._connection, reference)
        exactly_one("key", _quoted(reference), [(row.id, row.display_start) for row in rows], FIND_HINT)
        return ApiKey(**_fields(rows[0]))

    def create(self, owner: str, new: NewKey, take: Take) -> IssuedKey:
        """Make a key of a user. The plain text goes to `take` and nowhere else.

        Raises:
            NotFound, Conflict: a reference names none, or several; the user is not in the team.
            UsageError: a name, scope or expiry is none; or the key material is not here.
        """
        checked_name(new.name)
        _check_scopes(new.scopes)
        user_id, team_id, agent_id = self._whose(owner, new)
        values = {
            "user_id": user_id,
            "team_id": team_id,
            "agent_id": agent_id,
            "name": new.name,
            "environment": new.environment.value,
            "scopes": list(new.scopes),
            "rate_limit_per_minute": new.rate_limit_per_minute,
            "quota": new.quota,
            "expires_at": None if new.expires is None else self._moment(new.expires),
        }
        text = generate(new.environment)
        return self._issued(queries.create(self._connection, {**values, **self._hashed(text)}), text, take)

    def create_many(self, owner: str, new: NewKey, texts: Iterable[str]) -> int:
        """Make keys of one user whose plain texts are known already, as an import has them. Returns how many.

        Raises:
            As create does.
        """
        user_id, team_id, agent_id = self._whose(owner, new)
        ring = self._services.key_ring
        version = ring.newest(Purpose.PEPPER)
        shared = {"user_id": user_id, "team_id": team_id, "agent_id": agent_id, "name": new.name,
                  "environment": new.environment.value, "scopes": list(new.scopes),
                  "rate_limit_per_minute": new.rate_limit_per_minute, "quota": new.quota}  # fmt: skip
        hashed = [(ring.hash_key(text, version), display_start(text)) for text in texts]
        return queries.create_many(self._connection, shared, str(version), hashed)

    def update(self, reference: str, values: Mapping[str, Any]) -> ApiKey:
        """Set columns of a key; None takes a value away. `expires_at` is a duration or a moment.

        Raises:
            NotFound, Conflict: the reference names none, or several; the key is revoked.
            UsageError: a name, scope or expiry is none.
        """
        checked_name(values.get("name"))
        key = self._lock(reference)
        if key.revoked_at is not None:
            raise Conflict(f"key {key.display_start} is revoked, and stays as it is", "make a new one")
        wanted = dict(values)
        if (scopes := values.get("scopes")) is not None:
            _check_scopes(scopes)
            wanted["scopes"] = list(scopes)
        if (expires := values.get("expires_at")) is not None:
            wanted["expires_at"] = self._moment(expires)
        changed = {name: value for name, value in wanted.items() if getattr(key, name) != value}
        if changed:
            queries.change(self._connection, key.id, changed)
        return self._key(key.id)

    def rotate(self, reference: str, overlap: str, take: Take) -> IssuedKey:
        """Make a key like another, but for its quota, and let that one end within the overlap.

        Raises:
            NotFound, Conflict: the reference names none, or several; the key is revoked or expired, or was rotated
                already and its successor lives.
            UsageError: the overlap is no duration; or the key material is not here.
        """
        duration = parse_duration(overlap)
        key = self._lock(reference)
        if key.status != KeyStatus.ACTIVE.value:
            raise Conflict(f"key {key.display_start} is {key.status}, and cannot be rotated", "make a new one")
        if (other := queries.successor(self._connection, key.id)) is not None:
            raise Conflict(
                f"key {key.display_start} was rotated already: {other.display_start} replaces it",
                f"rotate that one, or revoke it first: {other.id}",
            )
        text = generate(Environment(key.environment))
        new_id = queries.succeed(self._connection, key.id, self._hashed(text))
        until = queries.expire_within(self._connection, key.id, duration)
        return replace(self._issued(new_id, text, take), old_expires_at=until)

    def revoke(self, reference: str, *, reason: str | None) -> ApiKey:
        """Refuse a key from now on. A revoked one stays so, with the first reason.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: the reason is the word by which expired keys are known.
        """
        if reason == EXPIRED:
            raise UsageError(f"{EXPIRED!r} is the reason of keys whose time is over", "give another with --reason")
        key = self._lock(reference)
        if key.revoked_at is None:
            queries.revoke(self._connection, key.id, reason)
        return self._key(key.id)

    def expire(self, after: str) -> Expiry:
        """Mark keys that expired longer than `after` ago: they are refused in any case, and lists tell them apart.

        Raises:
            UsageError: `after` is no duration.
        """
        return Expiry(queries.expire(self._connection, parse_duration(after)))

    def rehash(self, found: Sequence[Rehash]) -> int:
        """Store keys that were presented under the newest pepper, each once. Returns how many were stored.

        Raises:
            Conflict: there is a newer pepper than the one that they were hashed with.
        """
        version = self._services.key_ring.newest(Purpose.PEPPER)
        if any(each.version != version for each in found):
            raise Conflict("a new pepper was added meanwhile", "verify the keys again")
        once = {each.key_id: (each.key_id, each.known_version, each.key_hash) for each in found}
        return queries.rehash(self._connection, str(version), list(once.values()))

    def existing(self, ids: Sequence[UUID]) -> set[UUID]:
        """Which of some keys there are."""
        return queries.existing(self._connection, ids)

    def find(self, reference: str) -> UUID:
        """The id of the key that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
            UsageError: it is a whole key.
        """
        _refuse_secret(reference)
        return exactly_one("key", _quoted(reference), queries.find(self._connection, reference), FIND_HINT)

    def _lock(self, reference: str) -> AnyRow:
        return queries.load_by_id(self._connection, self.find(reference), lock=True)

    def _key(self, key_id: UUID) -> ApiKey:
        return ApiKey(**_fields(queries.load_by_id(self._connection, key_id)))

    def _issued(self, key_id: UUID, text: str, take: Take) -> IssuedKey:
        key = IssuedKey(**_fields(queries.load_by_id(self._connection, key_id)))
        take(key, text)
        return key

    def _whose(self, owner: str, new: NewKey) -> tuple[UUID, UUID | None, UUID | None]:
        """The user, the team and the agent that a key is to name."""
        services = self._services
        user_id = services.users.hold(owner)
        team_id = None if new.team is None else services.teams.find(new.team)
        if team_id is not None and not services.teams.has_member(team_id, user_id):
            raise Conflict(f"{owner} is no member of team {new.team}", "agentadm teams members add makes one")
        return user_id, team_id, None if new.agent is None else services.agents.find(new.agent)

    def _hashed(self, text: str) -> dict[str, str]:
        """What is stored of a key's plain text."""
        ring = self._services.key_ring
        version = ring.newest(Purpose.PEPPER)
        return {
            "key_hash": ring.hash_key(text, version),
            "hash_version": str(version),
            "display_start": display_start(text),
        }

    def _moment(self, text: str) -> datetime:
        """When a key is to end: in the future."""
        now = database_now(self._connection)
        moment = parse_end(text, lambda: now)
        if moment <= now:
            raise UsageError(f"{text!r} is in the past", "to refuse a key at once: agentadm keys revoke")
        return moment


def _refuse_secret(reference: str) -> None:
    """A whole key never belongs on a command line; what says so does not repeat it."""
    if is_whole(reference) or len(reference) > LONGEST_REFERENCE:
        raise UsageError(
            "that is too long for a reference: it may be a whole key, which is a secret",
            f"{FIND_HINT}; rotate a key that stood on a command line, and verify reads keys from standard input",
        )


def _quoted(reference: str) -> str:
    """A reference as a message may repeat it: what is longer than a beginning may be most of a foreign key."""
    plain = len(reference) <= LONGEST_START or as_uuid(reference) or as_uuid_ending(reference)
    return reference if plain else f"{reference[:LONGEST_START]}…"


def _check_scopes(scopes: Sequence[str]) -> None:
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise UsageError(f"{scope!r} is no scope", "for example: runs:read")


def _fields(row: AnyRow) -> dict[str, Any]:
    return {
        **row._mapping,
        "environment": Environment(row.environment),
        "status": KeyStatus(row.status),
        "scopes": tuple(row.scopes),
    }


def _summary(row: AnyRow) -> KeySummary:
    fields = {name: row[place] for place, name in enumerate(queries.LIST.columns)}
    fields["environment"], fields["status"] = Environment(fields["environment"]), KeyStatus(fields["status"])
    return KeySummary(**fields)
