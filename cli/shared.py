"""The options that every command shares: what they are, and how they get in before and after the command."""

from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

import typer

from cli import completers
from cli.parameters import make_quick
from platform_core.errors import UsageError
from platform_core.masking import without_keys


class OutputFormat(StrEnum):
    """How a value is written to stdout."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    YAML = "yaml"
    MARKDOWN = "markdown"


@dataclass
class Shared:
    """The shared options as given, before or after the command."""

    output: OutputFormat | None = None
    columns: str | None = None
    exact: bool = False
    reveal: bool = False
    as_user: str | None = None
    profile: str | None = None
    dry_run: bool = False
    yes: bool = False
    confirm: str | None = None
    no_input: bool = False
    reason: str | None = None
    ticket: str | None = None
    idempotency_key: str | None = None
    expect: int | None = None
    max_affected: int | None = None
    actor: str | None = None
    error_unchanged: bool = False
    atomic: bool = False
    resume: bool = False
    restart: bool = False
    results: str | None = None
    quiet: bool = False
    wait: float | None = None
    debug: bool = False


SHARED_NAMES = tuple(field.name for field in fields(Shared))
# Shown in the help of commands that change something.
FOR_CHANGES = frozenset(
    {"dry_run", "yes", "confirm", "no_input", "reason", "ticket", "idempotency_key", "expect", "max_affected", "actor",
     "error_unchanged"}
)  # fmt: skip
# A read that took them in silence would seem to filter, or to guard. --yes and the like may stand in any script.
NEVER_FOR_READS = FOR_CHANGES - {"dry_run", "yes", "confirm", "no_input"}
# Only for changes that take several references; all but the first line for imports, too.
FOR_ITEMS = frozenset({"results"})
FOR_SEVERAL = FOR_ITEMS | {"atomic", "resume", "restart"}
# Only for reads.
FOR_READS = frozenset({"as_user"})
# Only for reads that mask something in their answer.
FOR_MASKED = frozenset({"reveal"})
KEY_HINT = "give its beginning, as lists show it; rotate a key that stood on a command line"
# What goes on record; of a read only with --reveal.
FOR_RECORD = frozenset({"reason", "ticket", "actor"})


def _declaration(  # one parameter for each shared option
    output: Annotated[
        OutputFormat | None,
        typer.Option(
            "--output",
            "-o",
            help="How to write the result; a table on a terminal, else plain.",
            metavar="FORMAT",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which fields, in which order: a,b.c", metavar="FIELDS", autocompletion=completers.field_names
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="CSV without the guard against texts that a spreadsheet would run.")
    ] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show what is masked; goes on record, with --reason.")
    ] = False,
    as_user: Annotated[
        str | None,
        typer.Option(
            help="Read as this user, under row-level security.",
            metavar="USER",
            autocompletion=completers.of_database("users"),
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Environment of the configuration file.", metavar="NAME", autocompletion=completers.profiles),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Do all of it, show what would change, roll back.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="No question for a moderate step.")] = False,
    confirm: Annotated[
        str | None, typer.Option(help="Name of the environment, to confirm a severe step.", metavar="NAME")
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; recorded with the change.", metavar="TEXT")] = None,
    ticket: Annotated[str | None, typer.Option(help="Ticket; recorded with the change.", metavar="ID")] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Repeatable exactly once: a second call answers as the first.", metavar="KEY"),
    ] = None,
    expect: Annotated[
        int | None,
        typer.Option(help="Change nothing unless exactly N targets are meant.", metavar="N", min=0),
    ] = None,
    max_affected: Annotated[
        int | None, typer.Option(help="Change nothing if more than N rows would change.", metavar="N", min=0)
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Whom you act for; needs the admin role.", metavar="NAME")] = None,
    error_unchanged: Annotated[
        bool, typer.Option("--error-unchanged", help="Exit with 3 when there was nothing to change.")
    ] = False,
    atomic: Annotated[bool, typer.Option("--atomic", help="Of several items all or none, in one operation.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on exactly where a run over the same items was cut short.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget a run over the same items that was cut short; begin anew.")
    ] = False,
    results: Annotated[
        str | None, typer.Option(help="Also write what came of each item, as JSON lines.", metavar="FILE")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No notes on stderr, but what a list leaves out.")
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(help="How long to wait for a lock or lease, in seconds.", metavar="SECONDS", min=0),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Traceback and SQL on stderr.")] = False,
) -> None:
    """Nothing: Typer makes the options out of the signature."""


def refuse_keys(ctx: Any) -> None:
    """Refuse API keys in what goes on record.

    References say so by themselves, each for itself; but --reveal records them before they are looked up.

    Raises:
        UsageError: there is one.
    """
    given = {**ctx.params, **vars(ctx.shared)}
    for parameter in ctx.command.params:
        value = given.get(str(parameter.name))
        texts = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
        recorded = parameter.nargs != -1 or ctx.shared.reveal
        if recorded and any(without_keys(str(text)) != str(text) for text in texts):
            raise UsageError(f"{parameter.get_error_hint()} holds what may be a whole key, which is a secret", KEY_HINT)


@cache
def _all_shared() -> tuple[Any, ...]:
    app = typer.Typer(add_completion=False)
    app.command()(_declaration)
    parameters = list(typer.main.get_command(app).params)
    make_quick(parameters)
    return tuple(parameters)


def shared_parameters(*, hidden: frozenset[str] = frozenset()) -> list[Any]:
    """The shared options as Typer parameters; some may be kept out of the help."""
    from copy import copy

    chosen = []
    for parameter in _all_shared():
        mine = copy(parameter)
        mine.hidden = parameter.name in hidden
        chosen.append(mine)
    return chosen


def absorb(shared: Shared, parameters: dict[str, Any]) -> None:
    """Move the shared options out of a command's parameters; what is given later wins."""
    for name in SHARED_NAMES:
        value = parameters.pop(name, None)
        if value is not None and value is not False:
            setattr(shared, name, value)
