"""Limits as people write them: max_work_agents=20, runs_per_month=unlimited."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli.completers import of_words
from platform_core.errors import UsageError
from platform_core.near import did_you_mean
from platform_core.plans.types import LEAST, UNLIMITED, Limit

AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="LIMIT=NUMBER",
        help=f"How much is allowed, or LIMIT={UNLIMITED}: {', '.join(Limit)}. Repeatable.",
        autocompletion=of_words(*(f"{name}=" for name in Limit)),
    ),
]


def limit_named(name: str) -> Limit:
    """The limit of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in set(Limit):
        raise UsageError(f"no limit {name!r}{did_you_mean(name, Limit)}", f"limits: {', '.join(Limit)}")
    return Limit(name)


def limit_value(name: str, text: str) -> int | None:
    """How much is allowed of what; None is unlimited.

    Raises:
        UsageError: it is neither a number, not too low, nor the word.
    """
    if text == UNLIMITED:
        return None
    # No more digits than bigint holds.
    least = LEAST.get(name, 0)
    if not (text.isascii() and text.isdigit() and len(text) < len(str(2**63))) or int(text) < least:
        raise UsageError(
            f"{text!r} is no limit", f"all that is allowed: a whole number, {least} or more, or {UNLIMITED}"
        )
    return int(text)


def allowed(given: Sequence[str] | None) -> dict[Limit, int | None]:
    """What --allow says; None is unlimited.

    Raises:
        UsageError: a part is not LIMIT=NUMBER.
    """
    found = {}
    for text in given or ():
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--allow {text!r} is not LIMIT=NUMBER", f"for example: --allow {Limit.MAX_WORKFLOWS}=50")
        found[limit_named(name)] = limit_value(name, value)
    return found
