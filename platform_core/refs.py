"""References: how a person names a thing on the command line."""

import re
from collections.abc import Sequence
from uuid import UUID

from platform_core.errors import Conflict, NotFound, UsageError

UUID_ENDING_LENGTH = 8
NAME_LENGTH = 200
# No more than that: what joins emoji, and letters of Persian or Hindi, is no control character, nor is a hard space.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UUID_ENDING = re.compile(r"[0-9a-f-]{8,35}", re.IGNORECASE)


def as_uuid(reference: str) -> UUID | None:
    """The reference as a whole UUID, or None."""
    try:
        return UUID(reference)
    except ValueError:
        return None


def as_uuid_ending(reference: str) -> str | None:
    """The reference as the ending of a UUID, eight digits or more, in PostgreSQL's form; or None.

    Tables show endings as …12345678, and so they may be given.
    """
    reference = reference.removeprefix("…")
    if not _UUID_ENDING.fullmatch(reference) or len(reference.replace("-", "")) < UUID_ENDING_LENGTH:
        return None
    return reference.lower()


def has_controls(text: str) -> bool:
    """Whether a text holds characters that control a terminal, a line or a direction, or is no text at all."""
    return _CONTROL.search(text) is not None


def checked_name(name: str | None) -> None:
    """A name for people, as the constraints of the tables have it; None is none yet.

    Raises:
        UsageError: it is empty, too long, or holds control characters.
    """
    if name is not None and (has_controls(name) or not 1 <= len(name) <= NAME_LENGTH):
        raise UsageError(f"{name[:NAME_LENGTH]!r} is no name", f"1 to {NAME_LENGTH} characters, no control characters")


def other_state_hint(other: Sequence[tuple[UUID, str]], *, deleted: bool) -> str:
    """A hint that what was looked for is there, but not among the living; or not among the deleted.

    Args:
        other: its candidates there.
        deleted: whether it was looked for among the deleted.
    """
    return f"{other[0][1]} is {'not ' if deleted else ''}deleted{'' if deleted else ': look with --deleted'}"


def exactly_one(noun: str, reference: str, found: Sequence[tuple[UUID, str]], hint: str) -> UUID:
    """The one candidate of a reference.

    Args:
        noun: what was looked for, in the singular.
        reference: as it was given.
        found: candidates, each with a label that tells it from the others.
        hint: how to find the right reference.

    Raises:
        NotFound: there is no candidate.
        Conflict: there are several; they are listed.
    """
    if not found:
        raise NotFound(f"no {noun} {reference!r}", hint)
    if len({key for key, _ in found}) > 1:
        candidates = ", ".join(f"{label} ({key})" for key, label in found)
        raise Conflict(f"{noun} {reference!r} is ambiguous: {candidates}", "name one by its whole id")
    return found[0][0]
