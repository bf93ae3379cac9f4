"""Text that is safe wherever it goes: on a terminal, in a spreadsheet, in Markdown."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from platform_core.money import Money, is_currency, written
from platform_core.spreadsheet import guarded, unguarded_cell

__all__ = ["unguarded_cell"]

PLAIN = frozenset({str, int, float, bool})

# Control characters, and those that turn the direction of what follows: all harmless as \\uXXXX.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def visible(text: str) -> str:
    """The text with control characters and direction marks escaped, harmless on any terminal."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def visible_lines(text: str) -> str:
    """The same of a text of several lines: line feeds and tabs stay."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))


def as_json(value: Any, **layout: Any) -> str:
    """The value as JSON, with unsafe characters escaped; it reads back the same."""
    import json

    text = json.dumps(value, ensure_ascii=False, **layout)
    # Line ends are the layout's: inside values they are escaped already.
    return "\n".join(visible(line) for line in text.split("\n"))


def rfc_3339(moment: datetime) -> str:
    """A moment in UTC, with as many digits of the second as it has: as PostgreSQL writes it."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if moment.microsecond else text}Z"


class Amount(dict[str, Any]):
    """An amount as programs get it, told apart from what users wrote alike."""


def builtins_of(value: Any) -> Any:
    """What formats write: texts, numbers, lists and mappings in place of everything else."""
    if value is None or type(value) in PLAIN:
        return value
    if isinstance(value, str):
        # A word of an enumeration, or a name that SQLAlchemy marked.
        return str.__str__(value)
    if isinstance(value, datetime):
        return rfc_3339(value)
    if isinstance(value, Mapping):
        return {builtins_of(name): builtins_of(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [builtins_of(part) for part in value]
    if names := _field_names(value.__class__):
        make = Amount if isinstance(value, Money) else dict
        return make((name, builtins_of(getattr(value, name))) for name in names)
    import msgspec

    return msgspec.to_builtins(value)


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def cell(value: Any) -> str:
    """A plain value as text: nothing for NULL, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    value = _with_amounts(value)
    if isinstance(value, (dict, list, tuple)):
        return as_json(value) if value else ""
    return str(value)


def _with_amounts(value: Any) -> Any:
    """The value with amounts, at whatever depth, as people write them; what only looks like one stays as it is."""
    if isinstance(value, (list, tuple)):
        return [_with_amounts(part) for part in value]
    if isinstance(value, Amount) and is_currency(value["currency"]):
        return written(Money(**value))
    return {name: _with_amounts(part) for name, part in value.items()} if isinstance(value, dict) else value


def parts(value: Any) -> str:
    """A plain value for people: entries with their names, texts one after the other."""
    value = _with_amounts(value)
    if isinstance(value, dict):
        told = ((name, cell(part)) for name, part in value.items())
        return ", ".join(f"{name}: {text}" for name, text in told if text)
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return cell(value)


def csv_cell(value: Any) -> str | None:
    """A CSV cell exactly as it is; None for what has no value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)) and not isinstance(_with_amounts(value), str):
        return as_json(value) if value else None
    return value if isinstance(value, str) else cell(value) or None


def spreadsheet_cell(value: Any) -> str | None:
    """A CSV cell that no spreadsheet runs. Numbers and phone numbers stay as they are."""
    return guarded(value) if isinstance(value, str) else csv_cell(value)


def markdown_cell(value: Any) -> str:
    """A cell of a Markdown table, with nothing in it read as markup."""
    return _MARKDOWN.sub(r"\\\1", visible(parts(value)))


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def wrapped(text: str, width: int, indent: str, first: str = "") -> str:
    """A text in lines no longer than that, all but the first indented; words, which may be references, stay whole."""
    import textwrap

    return textwrap.fill(
        text, max(width, len(indent) + 20), initial_indent=first, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
