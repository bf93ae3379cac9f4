"""What is shown only when asked for, and then on record: phone numbers, contents of messages and documents.

A field of a result says so with `field(metadata=MASKED)`, a column of a table with `care(masked=...)`.
"""

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

MASKED: Mapping[str, bool] = MappingProxyType({"masked": True})
MASK = "***"
# With its country's code: anything else that is made of digits may be a secret.
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]{6,}[0-9]{2}")
_PHONE_DIGITS_SHOWN = 2
# An API key of ours or Stripe's, whole or mistyped: what is longer than the beginning by which people name one.
_KEY = re.compile("((?:aa|[rs]k)_(?:live|test)_[0-9A-Za-z]{6})[0-9A-Za-z]{3,}")


def masked(value: Any) -> Any:
    """A value that must not be read: nothing of it, but the last two digits of a phone number, and that it is NULL."""
    if value is None:
        return None
    if isinstance(value, str) and _PHONE.fullmatch(value):
        return MASK + value[-_PHONE_DIGITS_SHOWN:]
    return MASK


def without_keys(text: str) -> str:
    """The text with no more of an API key in it than the beginning that lists show."""
    return _KEY.sub(r"\1…", text)


@cache
def has_masks(annotation: Any, *, unknown: bool = False) -> bool:
    """Whether a result of this type holds anything that is masked, at whatever depth; of `Any` that is `unknown`."""
    if annotation is Any:
        return unknown
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        return any(
            "masked" in field.metadata or has_masks(hints[field.name], unknown=unknown) for field in fields(annotation)
        )
    return any(has_masks(part, unknown=unknown) for part in typing.get_args(annotation))


def with_masks(value: Any) -> Any:
    """The value with all that is masked in it made unreadable."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **dict(_masked_fields(value))) if has_masks(type(value), unknown=True) else value
    if isinstance(value, Mapping):
        return {name: with_masks(part) for name, part in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return type(value)(with_masks(part) for part in value)
    return value


def masked_names(value: Any) -> list[str]:
    """The fields of a result that are masked, and hold something."""
    named = fields(value) if is_dataclass(value) else ()
    return [field.name for field in named if "masked" in field.metadata and getattr(value, field.name) is not None]


def _masked_fields(value: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(value):
        found = getattr(value, field.name)
        yield field.name, masked(found) if "masked" in field.metadata else with_masks(found)
