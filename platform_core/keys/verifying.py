"""Verification: which key is this, and would a request with it be let through? One statement, on its own connection."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from platform_core.db.statement import Statement
from platform_core.db.transaction_queries import database_now
from platform_core.key_material.ring import KeyRing
from platform_core.key_material.types import Purpose
from platform_core.keys import verifying_queries as queries
from platform_core.keys.format import MistypedKey, beginnings, check
from platform_core.keys.types import Asked, Rehash, Verdict, Verification
from platform_core.periods import parse_moment
from platform_core.requests.types import checked_endpoint, left_out

if TYPE_CHECKING:
    from platform_core.platform import Platform
    from platform_core.services import Services

# An import may bring bcrypt keys at any time.
LOOK_AGAIN_SECONDS = 60.0
# bcrypt reads no more of a password.
BCRYPT_BYTES = 72
CHECKSUM = "checksum"
ANYTHING = Asked()


@dataclass(frozen=True)
class Presented:
    """A key that was presented: what is known of it, and whether it is to be stored anew."""

    verdict: Verdict
    rehash: Rehash | None = None


class KeyVerifier:
    """Verifies keys on one connection.

    Args:
        connection: on which every statement stands alone.
        ring: the key material in use.
    """

    def __init__(self, connection: psycopg.Connection[Any], ring: KeyRing) -> None:
        self._cursor = connection.cursor()
        self._statement = Statement(connection, queries.VERIFY)
        self._ring = ring
        self._newest = ring.newest(Purpose.PEPPER)
        self._versions = sorted(ring.versions(Purpose.PEPPER), reverse=True)
        self._any_bcrypt = False
        self._looked_at = float("-inf")

    def verify(self, text: str, asked: Asked = ANYTHING, *, line: int = 1) -> Presented:
        """What is known of a key, and whether a request with it would be let through. Nothing is changed.

        Args:
            text: the key; one that is mistyped is refused without asking the database.
            asked: what the request is for.
            line: its place in the input.

        Raises:
            psycopg.Error: the database does not answer.
        """
        try:
            check(text)
        except MistypedKey as error:
            return Presented(_mistyped(error, line))
        hashes = [self._ring.hash_key(text, version) for version in self._versions]
        row = self._row(hashes, asked)
        if row[0] is None and self._is_any_bcrypt() and (found := self._bcrypt_hash(text)) is not None:
            row = self._row([found], asked)
        return self._presented(row, hashes[0], line, asked)

    def _row(self, hashes: list[str], asked: Asked) -> list[str | None]:
        at = None if asked.at is None else asked.at.isoformat()
        # Neither the hashes nor bcrypt's hold what an array would have to quote.
        return self._statement.row(f"{{{','.join(hashes)}}}", asked.scope, asked.environment, asked.agent_id, at)

    def _presented(self, row: list[str | None], newest_hash: str, line: int, asked: Asked) -> Presented:
        found, version, start, user_id, team_id, agent_id, allowed, rule, message = row
        told = message or "the key is valid"
        key_id, valid = _id(found), allowed == "t"
        about = asked.agent_id is not None or agent_id is not None
        missing = left_out(asked.scope, asked.environment, agent=about) if valid else ()
        verdict = Verdict(line, valid, rule, told, start, key_id, _id(user_id), _id(team_id), _id(agent_id), missing)
        if not valid or key_id is None or version is None or version == str(self._newest):
            return Presented(verdict)
        return Presented(verdict, Rehash(key_id, version, self._newest, newest_hash))

    def _is_any_bcrypt(self) -> bool:
        """Whether any key is left that bcrypt has hashed; asked once in a while."""
        if time.monotonic() - self._looked_at > LOOK_AGAIN_SECONDS:
            self._any_bcrypt = self._cursor.execute(queries.ANY_BCRYPT).fetchall()[0][0]
            self._looked_at = time.monotonic()
        return self._any_bcrypt

    def _bcrypt_hash(self, text: str) -> str | None:
        """The hash that bcrypt made of a key, if one did. Whether or not one begins so, something is compared."""
        import bcrypt

        secret = text.encode()
        if len(secret) > BCRYPT_BYTES:
            # Another key with the same beginning would do, and be stored in the place of the right one.
            return None
        rows = self._cursor.execute(queries.BCRYPT_CANDIDATES, (beginnings(text),)).fetchall()
        candidates = [stored for stored, begins_so in rows if begins_so]
        for stored in candidates or [stored for stored, _ in rows]:
            if bcrypt.checkpw(secret, stored.encode()) and candidates:
                return str(stored)
        return None


@contextmanager
def verifier(platform: "Platform") -> Iterator[KeyVerifier]:
    """A verifier on a connection of its own.

    Raises:
        UsageError: the key material is not here, or is another.
        AgentadmError: what the driver said, translated.
    """
    ring = platform.reader.read(lambda services: services.key_ring)
    with platform.reader.statements() as connection:
        yield KeyVerifier(connection, ring)


def verify_keys(
    platform: "Platform", texts: Sequence[str], asked: Asked, *, agent: str | None, at: str | None
) -> Verification:
    """Verify keys. The database is asked only where one is not mistyped.

    Args:
        platform: where to.
        texts: the keys.
        asked: what the requests are for.
        agent, at: a reference and a moment as given, to be added to that.

    Raises:
        NotFound, Conflict: the agent's reference names none, or several.
        UsageError: the moment is none, or the key material is not here.
    """
    checked_endpoint(asked.scope)
    found: list[Presented] = []
    whole = asked
    with ExitStack() as stack:
        ours: KeyVerifier | None = None
        for line, text in enumerate(texts, 1):
            try:
                check(text)
            except MistypedKey as error:
                found.append(Presented(_mistyped(error, line)))
                continue
            if ours is None:
                whole = platform.read(lambda services: _resolved(services, asked, agent, at))
                ours = stack.enter_context(platform.key_verifier())
            found.append(ours.verify(text, whole, line=line))
    verdicts = tuple(each.verdict for each in found)
    return Verification(verdicts, tuple(each.rehash for each in found if each.rehash is not None))


def _resolved(services: "Services", asked: Asked, agent: str | None, at: str | None) -> Asked:
    moment = None if at is None else parse_moment(at, lambda: database_now(services.connection))
    return replace(asked, agent_id=None if agent is None else services.agents.find(agent), at=moment)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _mistyped(error: MistypedKey, line: int) -> Verdict:
    return Verdict(line, valid=False, rule=CHECKSUM, message=error.message)
