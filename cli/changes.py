"""What `update` commands share: which fields are to be set, and which are to be without a value."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli.completers import of_words
from platform_core.errors import UsageError
from platform_core.money import plain_decimal
from platform_core.near import did_you_mean

# What the columns hold: numeric(18, 6).
AMOUNT_BELOW = Decimal(10**12)


def decimal(text: str) -> Decimal:
    """An amount as typed.

    Raises:
        BadParameter: it is none.
    """
    found = plain_decimal(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no amount; for example: 12.50")
    if found >= AMOUNT_BELOW:
        raise typer.BadParameter(f"{text!r} is no amount: it is at least 0, and below {AMOUNT_BELOW:,}")
    return found


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def json_object(text: str) -> dict[str, Any]:
    """A JSON object as typed.

    Raises:
        BadParameter: it is none.
    """
    import json

    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{text!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f'{text!r} is no JSON object; for example: {{"team": "a"}}')
    return found


Budget = Annotated[
    Decimal | None,
    typer.Option(parser=decimal, metavar="USD", help="Infrastructure cost allowed a day, in USD."),
]


def clear_option(fields: Sequence[str]) -> Any:
    """--clear of an update, which names the fields that it takes."""
    return typer.Option(
        "--clear", metavar="FIELD", help=f"Without a value: {', '.join(fields)}.", autocompletion=of_words(*fields)
    )


def changes(given: Mapping[str, Any], clear: Sequence[str] | None, clearable: Sequence[str]) -> dict[str, Any]:
    """The columns to be set: those with a value, and None for those to be cleared.

    Raises:
        UsageError: a field that cannot be cleared, one that is both set and cleared, or none at all.
    """
    values = {name: value for name, value in given.items() if value is not None}
    for name in clear or ():
        field = name.replace("-", "_")
        if field not in clearable:
            raise UsageError(f"--clear {name!r}{did_you_mean(field, clearable)}", f"fields: {', '.join(clearable)}")
        if field in values:
            raise UsageError(f"{field} is both set and cleared", "choose one")
        values[field] = None
    if not values:
        raise UsageError("nothing to change was named", "see the options with --help")
    return values
