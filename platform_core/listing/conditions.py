"""Conditions of --where: read, checked against the known fields, and typed."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn
from uuid import UUID

from platform_core.errors import UsageError
from platform_core.near import did_you_mean
from platform_core.periods import Now, parse_period


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    WORD = "one of few words"
    INTEGER = "a whole number"
    DECIMAL = "a number"
    BOOLEAN = "yes or no"
    ID = "an id"
    TIME = "a time or a period"


class Operator(StrEnum):
    """How a field is compared."""

    NOT_EQUAL = "!="
    AT_LEAST = ">="
    AT_MOST = "<="
    EQUAL = "="
    ABOVE = ">"
    BELOW = "<"
    CONTAINS = "~"


EQUALITY = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
ORDER = EQUALITY | {Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST}
# What a field of each kind can be asked.
ALLOWED: dict[Kind, frozenset[Operator]] = {
    Kind.TEXT: frozenset(Operator),
    Kind.WORD: EQUALITY,
    Kind.INTEGER: ORDER,
    Kind.DECIMAL: ORDER,
    Kind.BOOLEAN: EQUALITY,
    Kind.ID: EQUALITY,
    Kind.TIME: ORDER,
}
HINT = "for example: --where status=active --where 'created_at>=2026-10' --where email~@example.com"
_CONDITION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
_BIGGEST = 2**63
BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Known:
    """A field that may be asked for: its kind, and its words where there are few."""

    kind: Kind
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One condition, typed. The value is None for NULL, and a Period for a time."""

    field: str
    operator: Operator
    value: Any


def parse_condition(text: str, fields: Mapping[str, Known], now: Now) -> Condition:
    """A condition as it was given.

    Args:
        text: field, operator, value.
        fields: those that the list knows.
        now: the moment that periods are reckoned from.

    Raises:
        UsageError: there is no such field, it cannot be asked that, or the value is of another type.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(f"--where {text!r} is not field=value, nor with != > >= < <= or ~", HINT)
    name, operator, given = found[1], Operator(found[2]), found[3].strip()
    known = fields.get(name)
    if known is None:
        refuse_field(name, fields)
    if operator not in ALLOWED[known.kind]:
        told = " ".join(sign for sign in Operator if sign in ALLOWED[known.kind])
        raise UsageError(f"{name} is {known.kind}: it cannot be asked {operator}", f"it can be asked: {told}")
    if not given:
        if operator not in EQUALITY:
            raise UsageError(f"--where {text!r} has no value", f"{name}= keeps those without one, {name}!= the others")
        return Condition(name, operator, None)
    return Condition(name, operator, _value(name, known, given, now))


def refuse_field(name: str, fields: Iterable[str], what: str = "no field") -> NoReturn:
    """Say which fields there are, and which one was probably meant.

    Raises:
        UsageError: always.
    """
    known = sorted(fields)
    raise UsageError(f"{what} {name!r}{did_you_mean(name, known)}", f"fields: {', '.join(known)}")


def _value(name: str, known: Known, given: str, now: Now) -> Any:
    if known.kind is Kind.TIME:
        try:
            return parse_period(given, now)
        except UsageError as error:
            raise UsageError(f"{name}: {error.message}", error.hint) from None
    if known.kind is Kind.WORD:
        if given not in known.words:
            meant = did_you_mean(given, known.words)
            raise UsageError(f"{name} is never {given!r}{meant}", f"{name} is one of: {', '.join(known.words)}")
        return given
    value = READ[known.kind](given)
    if value is None:
        raise UsageError(f"{name} is {known.kind}, not {given!r}", f"for example: {name}={EXAMPLES[known.kind]}")
    return value


def _text(given: str) -> str | None:
    """Text that PostgreSQL can hold, else None."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return None
    return None if "\0" in given else given


def _integer(given: str) -> int | None:
    value = int(given) if _INTEGER.fullmatch(given) else None
    return value if value is not None and -_BIGGEST <= value < _BIGGEST else None


def _decimal(given: str) -> Decimal | None:
    return Decimal(given) if _DECIMAL.fullmatch(given) else None


def _id(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


READ: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: lambda given: BOOLEANS.get(given.lower()),
    Kind.ID: _id,
}
EXAMPLES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "3",
    Kind.DECIMAL: "9.50",
    Kind.BOOLEAN: "yes",
    Kind.ID: "01930000-0000-7000-8000-000000000000",
}
