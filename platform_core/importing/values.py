"""What Python checks of a value: times, JSON, and whether it is text at all. The database checks the rest."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from platform_core.importing.lines import NO_TEXT
from platform_core.importing.types import Field, Kind

# Numbers keep their digits.
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)


class BadValueError(ValueError):
    """Why a value cannot be taken, without the value."""


def decoded(text: str) -> Any:
    """JSON as Python has it, numbers exactly.

    Raises:
        one of JSON_ERRORS: it is none.
    """
    return _DECODER.decode(text)


def as_json(value: Any) -> str:
    """JSON, numbers exactly."""
    return _ENCODER.encode(value).decode()


def text_of_json(value: Any) -> str:
    """An object as JSON.

    Raises:
        BadValueError: it is no object, or holds what the database cannot.
    """
    if not isinstance(value, dict):
        raise BadValueError("is not a JSON object")
    text = as_json(value)
    if "\\u0000" in text and _holds_nul(value):
        raise BadValueError("holds a NUL")
    return text


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    parts: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        parts = (*value.keys(), *value.values())
    return any(_holds_nul(part) for part in parts)


def time_text(text: str) -> str:
    """A moment as PostgreSQL reads it.

    Raises:
        BadValueError: it is none, or does not say in which zone.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise BadValueError("is not a time such as 2026-10-31T12:00:00Z") from None
    raise BadValueError("has no zone: end it with Z, or with +02:00 or the like")


def json_text(text: str) -> str:
    """An object that is written as JSON, checked.

    Raises:
        BadValueError: it is none.
    """
    try:
        value = decoded(text)
    except JSON_ERRORS:
        raise BadValueError("is not JSON") from None
    return text_of_json(value)


CHECKS: dict[Kind, Callable[[str], str]] = {Kind.TIME: time_text, Kind.JSON: json_text}


def checked_text(text: str) -> str:
    """A text that the database can hold.

    Raises:
        BadValueError: it cannot.
    """
    found = NO_TEXT.search(text)
    if found is None:
        return text
    raise BadValueError("holds a NUL" if found.group() == "\0" else "is not UTF-8")


def of_json(field: Field, value: Any) -> str:
    """A JSON value as the text that a CSV cell would hold.

    Raises:
        BadValueError: it is of the wrong type.
    """
    if field.kind is Kind.JSON:
        return text_of_json(value)
    if isinstance(value, str):
        check = CHECKS.get(field.kind)
        return checked_text(value) if check is None else check(checked_text(value))
    if isinstance(value, bool):
        if field.kind is Kind.BOOLEAN:
            return "true" if value else "false"
    elif isinstance(value, (int, Decimal)) and field.kind in {Kind.DAY, Kind.AMOUNT}:
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    told = {Kind.BOOLEAN: "neither true nor false", Kind.DAY: "no number", Kind.AMOUNT: "no number"}
    raise BadValueError(f"is {told.get(field.kind, 'no text')}")
