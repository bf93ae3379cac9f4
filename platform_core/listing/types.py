"""What is asked of a list, and what it answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class CopyFormat(StrEnum):
    """In which form the database itself can write a list."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"


@dataclass(frozen=True)
class ListRequest:
    """What a list is to hold, as it was given.

    Args:
        where: conditions, all of which hold: field=value, field!=value, field>value, field~text and so on.
        sort: the field to order by, with a leading - from the greatest; None for the noun's own order.
        since, until: periods; from the beginning of the one, through the end of the other.
        limit: how many at most; None for all.
    """

    where: Sequence[str] = ()
    sort: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Place:
    """A place in an ordered list, after which it goes on: the sort field's value and the key of a row."""

    value: Any
    key: Any


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows in order; whether there are more after them; and the place where they go on."""

    rows: tuple[T, ...]
    more: bool
    end: Place | None


class Rows(Protocol[T]):
    """A list that was asked for, inside a transaction: nothing is read before one of these is called."""

    def page(self, after: Place | None = None) -> Page[T]:
        """One page, as long as the request says."""
        ...

    def stream(self) -> Iterator[T]:
        """All rows, whatever the limit, a page at a time."""
        ...

    def copy(self, output: CopyFormat, names: Sequence[str]) -> Iterator[bytes] | None:
        """All rows, written by the database, byte for byte as the renderer would; None where it cannot."""
        ...
