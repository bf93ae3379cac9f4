"""How commands are declared, and what is known of each: its risk, undo, provider, schedule, example and result."""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from cli.context import Context
from cli.options import (
    FOR_CHANGES,
    FOR_MASKED,
    FOR_RECORD,
    FOR_SEVERAL,
    NEVER_FOR_READS,
    SHARED_NAMES,
    absorb,
    make_quick,
    shared_parameters,
)
from platform_core.near import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])


class Risk(StrEnum):
    """What can go wrong: nothing, something small, a customer notices, data or service is lost."""

    READ = "read"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class Undo(StrEnum):
    """How a change is taken back: by `audit undo`, by another command, or not at all."""

    REVERSIBLE = "reversible"
    COMPENSATED = "compensated_by"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True)
class CommandProperties:
    """What is known of a command.

    Attributes:
        path: noun and verb, as typed.
        function: what runs.
        risk: how it is confirmed; a read changes nothing.
        undo: how it is taken back; None for a read.
        compensated_by: the command that takes it back, when undo is COMPENSATED.
        provider: whether it calls a payment provider.
        cron: whether it is a cron job: leased, never two at once.
        masks: whether its answer holds what is shown only with --reveal.
        example: a command line that works on the demo data.
        result: the type of its value.
    """

    path: str
    function: Callable[..., Any]
    risk: Risk
    undo: Undo | None
    compensated_by: str | None
    provider: bool
    cron: bool
    masks: bool
    example: str
    result: Any


class _Quick:
    """What commands and groups share: shared options taken out, and no validator where none is needed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, and take the shared options out."""
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc] # of the class it is mixed into
        absorb(ctx.shared, ctx.params)
        return rest

    def get_help_option(self, ctx: Any) -> Any:
        """--help, which Typer would validate in every command."""
        option = super().get_help_option(ctx)  # type: ignore[misc] # of the class it is mixed into
        make_quick([option])
        return option


class Command(_Quick, TyperCommand):
    """A command with the shared options, whose value is rendered once, here."""

    context_class = Context
    properties: CommandProperties
    # Shared options that it does not take.
    without: frozenset[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        function = typing.cast("Any", self.callback).__wrapped__
        self.properties = function.properties
        make_quick(self.params)
        reads, masks = self.properties.risk is Risk.READ, self.properties.masks
        several = not reads and any(parameter.nargs == -1 for parameter in self.params)
        self.without = frozenset() if several else FOR_SEVERAL
        self.without |= NEVER_FOR_READS if reads else frozenset()
        self.without |= frozenset() if masks else FOR_MASKED
        told = FOR_RECORD if masks else frozenset[str]()
        self.params.extend(shared_parameters(hidden=(self.without | FOR_CHANGES if reads else self.without) - told))
        self.epilog = f"Example: {self.properties.example}"

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The command's own arguments and options, then the shared ones."""
        records: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Shared options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            shared = parameter.name in SHARED_NAMES or parameter.name == "help"
            own = "Arguments" if parameter.param_type_name == "argument" else "Options"
            records["Shared options" if shared else own].append(record)
        for title, rows in records.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> None:
        """Run the command and render what it returns."""
        ctx.refuse_options(self.without - FOR_RECORD if ctx.shared.reveal else self.without)
        if ctx.shared.reveal:
            from cli import reveal

            reveal.record(ctx)
        value = super().invoke(ctx)
        # From here on only the answer can fail, and whoever hears of that is told whether the work was done.
        ctx.invocation.answering = True
        ctx.invocation.changed = self.properties.risk is not Risk.READ and not ctx.shared.dry_run
        ctx.finish(value)


class Group(_Quick, TyperGroup):
    """A noun, or the root: passes the shared options on."""

    context_class = Context

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_parameters(hidden=frozenset(() if self.shows_shared else SHARED_NAMES)))

    shows_shared = False

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """What there is first, then the options."""
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(typing.cast("Any", self), ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The noun or verb, or an error that names the nearest."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            kind = "noun" if ctx.parent is None else "verb"
            ctx.fail(f"no {kind} {args[0]!r}{did_you_mean(args[0], names)}")
        return super().resolve_command(ctx, args)


class Noun:
    """A noun of the command line, with its verbs.

    Args:
        path: the noun, with its parents, as typed.
        help: one line.
    """

    def __init__(self, path: str, help: str) -> None:  # noqa: A002 - Typer's word for it
        self.path = path
        self.app = typer.Typer(
            name=path.rpartition(" ")[2],
            help=help,
            cls=Group,
            add_completion=False,
            rich_markup_mode=None,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
        )
        # A noun with one verb is still a noun: without a callback Typer would make it a command.
        self.app.callback()(_no_callback)
        self.commands: list[CommandProperties] = []
        self.nouns: list[Noun] = []

    def noun(self, name: str, help: str) -> "Noun":  # noqa: A002 - Typer's word for it
        """A noun below this one."""
        below = Noun(f"{self.path} {name}", help)
        self.app.add_typer(below.app, name=name)
        self.nouns.append(below)
        return below

    def command(
        self,
        name: str,
        *,
        example: str,
        risk: Risk = Risk.READ,
        undo: Undo | None = None,
        compensated_by: str | None = None,
        provider: bool = False,
        cron: bool = False,
        masks: bool = False,
    ) -> Callable[[F], F]:
        """Declare a verb. See CommandProperties; a change says how it is undone, a read does not."""
        if (risk is Risk.READ) != (undo is None) or (undo is Undo.COMPENSATED) != (compensated_by is not None):
            raise ValueError(f"{self.path} {name}: risk {risk}, undo {undo}, compensated_by {compensated_by}")

        def declare(function: F) -> F:
            result = typing.get_type_hints(function).get("return")
            properties = CommandProperties(
                f"{self.path} {name}".strip(),
                function,
                risk,
                undo,
                compensated_by,
                provider,
                cron,
                masks,
                example,
                result,
            )
            typing.cast("Any", function).properties = properties
            self.commands.append(properties)
            self.app.command(name, cls=Command)(function)
            return function

        return declare

    def all_commands(self) -> list[CommandProperties]:
        """Its verbs, and those of the nouns below."""
        return [*self.commands, *(command for below in self.nouns for command in below.all_commands())]


def _no_callback() -> None:
    """Nothing."""
