"""How commands are declared, and what is known of each: its risk, undo, provider, schedule, example and result."""

import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from cli.context import Context
from cli.parameters import make_quick
from cli.shared import (
    FOR_CHANGES,
    FOR_ITEMS,
    FOR_MASKED,
    FOR_READS,
    FOR_RECORD,
    FOR_SEVERAL,
    NEVER_FOR_READS,
    SHARED_NAMES,
    absorb,
    refuse_keys,
    shared_parameters,
)
from platform_core.near import did_you_mean

# Of a command line: what is quoted stays together.
WORDS = re.compile(r"(?:'[^']*'|\S)+")
# No first sentence is longer: none is cut.
FIRST_SENTENCE = 300
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


class Operator(StrEnum):
    """Who works with the tool; the database's role of each is agentadm_NAME, and the database says what it may."""

    ANALYTICS = "analytics"
    SUPPORT = "support"
    BILLING = "billing"
    ADMIN = "admin"


EVERYBODY = frozenset(Operator)
# Whoever may read people's data, the record of changes included.
STAFF = frozenset({Operator.SUPPORT, Operator.BILLING, Operator.ADMIN})
SUPPORT = frozenset({Operator.SUPPORT, Operator.ADMIN})
BILLING = frozenset({Operator.BILLING, Operator.ADMIN})
ADMIN = frozenset({Operator.ADMIN})
# The schema's owner only, as whom the tool is set up.
OWNER: frozenset[Operator] = frozenset()


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
        chunks: whether a change is made in several transactions, and can be gone on with.
        operators: who may run it, besides the schema's owner.
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
    chunks: bool
    operators: frozenset[Operator]
    example: str
    result: Any

    @property
    def needs(self) -> str:
        """Which role it takes, in words."""
        roles = " or ".join(f"agentadm_{operator}" for operator in Operator if operator in self.operators)
        return f"{self.path} needs {f'the role {roles}' if roles else 'the owner of the schema'}"


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
        if self.properties.chunks:
            self.without = FOR_ITEMS
        self.without |= NEVER_FOR_READS if reads else FOR_READS
        self.without |= frozenset() if masks else FOR_MASKED
        told = FOR_RECORD if masks else frozenset[str]()
        self.params.extend(shared_parameters(hidden=(self.without | FOR_CHANGES if reads else self.without) - told))

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

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        """The example, as a shell takes it: no word is broken, and a line goes on behind a backslash."""
        lines, line = [], "  Example:"
        for word in WORDS.findall(self.properties.example):
            if len(line) + len(word) + len(" \\ ") > formatter.width:
                lines.append(f"{line} \\")
                line = "   "
            line += f" {word}"
        formatter.write("\n" + "\n".join((*lines, line)) + "\n")

    def invoke(self, ctx: Any) -> None:
        """Run the command and render what it returns."""
        ctx.invocation.command = self.properties
        ctx.refuse_options(self.without - FOR_RECORD if ctx.shared.reveal else self.without)
        refuse_keys(ctx)
        if ctx.shared.reveal:
            from cli import reveal

            reveal.record(ctx)
        value = super().invoke(ctx)
        ctx.refuse_unread_as_user()
        # From here on only the answer can fail, and whoever hears of that is told whether the work was done.
        ctx.invocation.answering = True
        ctx.invocation.changed = self.properties.risk is not Risk.READ and not ctx.shared.dry_run
        ctx.finish(value)


class Group(_Quick, TyperGroup):
    """A noun, or the root: passes the shared options on, and makes a verb when it is asked for."""

    context_class = Context
    # What there is, by name: each makes a command, or a group.
    makers: typing.Mapping[str, Callable[[], Any]] = types.MappingProxyType({})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_parameters(hidden=frozenset(() if self.shows_shared else SHARED_NAMES)))

    shows_shared = False

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """What there is first, then the options."""
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(typing.cast("Any", self), ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One line for each, or as many as its first sentence takes."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(FIRST_SENTENCE)) for name, command in found])

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """The verbs, then the nouns below."""
        return list(self.makers)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        """A verb, made now: Typer's work on one costs milliseconds, and a noun has many."""
        if cmd_name not in self.commands and cmd_name in self.makers:
            self.commands[cmd_name] = self.makers[cmd_name]()
        return self.commands.get(cmd_name)

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
        self.help = help
        self.commands: list[CommandProperties] = []
        self._apps: dict[str, typer.Typer] = {}
        self._elsewhere: dict[str, str] = {}
        self.nouns: list[Noun] = []

    def noun(self, name: str, help: str) -> "Noun":  # noqa: A002 - Typer's word for it
        """A noun below this one."""
        below = Noun(f"{self.path} {name}", help)
        self.nouns.append(below)
        return below

    def declared_in(self, module: str, *verbs: str) -> None:
        """Verbs that another module declares: it is imported when one of them is asked for."""
        self._elsewhere.update(dict.fromkeys(verbs, module))

    def _made(self, verb: str) -> TyperCommand:
        if verb not in self._apps:
            import_module(self._elsewhere[verb])
        return typing.cast("TyperCommand", typer.main.get_command(self._apps[verb]))

    def group(self) -> Group:
        """The noun as Typer knows it."""
        name = self.path.rpartition(" ")[2]
        group = Group(name=name, help=self.help, no_args_is_help=True, rich_markup_mode=None)
        verbs = {verb: partial(self._made, verb) for verb in (*self._apps, *self._elsewhere)}
        group.makers = {**verbs, **{below.path.rpartition(" ")[2]: below.group for below in self.nouns}}
        return group

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
        chunks: bool = False,
        operators: frozenset[Operator] | None = None,
    ) -> Callable[[F], F]:
        """Declare a verb. See CommandProperties; a change says how it is undone, a read does not.

        Without `operators` everybody may run a read, and support and admin a change.
        """
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
                chunks,
                (EVERYBODY if risk is Risk.READ else SUPPORT) if operators is None else operators,
                example,
                result,
            )
            typing.cast("Any", function).properties = properties
            self.commands.append(properties)
            app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            app.command(name, cls=Command)(function)
            self._apps[name] = app
            return function

        return declare

    def all_commands(self) -> list[CommandProperties]:
        """Its verbs, and those of the nouns below."""
        for module in dict.fromkeys(self._elsewhere.values()):
            import_module(module)
        return [*self.commands, *(command for below in self.nouns for command in below.all_commands())]
