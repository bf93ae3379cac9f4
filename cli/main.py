"""The entry: the table of nouns, and the only place that catches and exits."""

import gc
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import FrameType
from typing import Any, TextIO, cast

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from cli.context import Invocation
from cli.output import MACHINE_FORMATS
from cli.output.notes import write_error
from cli.registry import CommandProperties, Group, Noun
from cli.shared import OutputFormat
from cli.streams import Forgiving, forget, of_system_error
from platform_core.errors import AgentadmError, ExitCode, MissingPrivilege, UsageError
from platform_core.masking import without_keys
from platform_core.near import did_you_mean, nearest
from platform_core.signals import Termination

PROGRAM = "agentadm"
# Bytes that are not UTF-8 arrive as surrogates.
NO_TEXT = re.compile("[\0\ud800-\udfff]")
SUMMARY = "Administer an AI-agent platform: people, agents, keys, billing, marketplace and usage."
# One line for each noun, so that help needs no noun's module.
NOUNS = {
    "users": "People who use the platform.",
    "teams": "People who work together.",
    "projects": "What hired agents work on, for a user or for a team.",
    "crews": "Groups of hired agents in a project.",
    "instances": "Agents that run for somebody; what is wanted of them.",
    "runs": "What agents and workflows did; cancel and retry.",
    "agents": "Definitions of agents, their versions and what state they are in.",
    "models": "Models that agents and conversations may use.",
    "workflows": "Automations of nodes and connections: versions, triggers, schedules, runs.",
    "keys": "API keys: create, rotate, revoke, verify.",
    "plans": "What the platform sells, with its limits.",
    "limits": "What somebody may use, and why; exceptions from it.",
    "audit": "What was changed, by whom and why; undo and verify.",
    "operations": "Operations, and steps at a provider that are not finished.",
    "db": "The database: set up, migrate, check, back up.",
    "config": "Where settings come from.",
}
TOP_LEVEL = {
    "demo": "Make a local server with a believable company, and take a short tour.",
    "help": "Explain a topic, or show a command's help.",
    "completion": "Print the completion script of a shell.",
    "version": "Show the versions of the tool, of Python and of the schema.",
}


FOR_HELP: dict[str, Any] = {"help_option_names": ["--help", "-h"], "max_content_width": 120}


class Root(Group):
    """The root: nouns are imported when they are asked for."""

    shows_shared = True

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """All nouns, without importing any."""
        return [*NOUNS, *TOP_LEVEL]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        """The noun's commands, imported now."""
        if cmd_name not in self.commands and cmd_name in {**NOUNS, **TOP_LEVEL}:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)

    def run(self, arguments: list[str], invocation: Invocation) -> int:
        """Run one command line. Returns its exit code; every failure is raised as it is.

        Not Typer's main(): that takes interruptions and closed pipes for itself.
        """
        if "_AGENTADM_COMPLETE" in invocation.environ:
            from cli.completion import answer

            return answer(self, arguments, invocation)
        if arguments == ["--version"]:
            arguments = ["version"]
        try:
            with self.make_context(PROGRAM, arguments, obj=invocation, **FOR_HELP) as ctx:
                self.invoke(ctx)
        except typer.Exit as done:
            return done.exit_code
        return invocation.code

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Candidates from the table, without importing any noun."""
        found = TyperCommand.shell_complete(self, ctx, incomplete)
        from cli.completion import candidates

        return [*candidates({**NOUNS, **TOP_LEVEL}, incomplete), *found]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        """One line for each noun, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([*NOUNS.items(), *TOP_LEVEL.items()])


def _load(name: str) -> Any:
    return noun(name).group() if name in NOUNS else noun("general").group().get_command(None, name)


def noun(name: str) -> Noun:
    """The declaration of a noun, imported now."""
    found: Noun = import_module(f"cli.{name}").noun
    return found


def all_commands() -> list[CommandProperties]:
    """Every command there is."""
    return [command for name in (*NOUNS, "general") for command in noun(name).all_commands()]


@cache
def root() -> Root:
    """The root command, made once: it holds nothing of a call."""
    return Root(
        name=PROGRAM,
        help=SUMMARY,
        epilog=f"{PROGRAM} NOUN --help shows the verbs of a noun; {PROGRAM} help lists topics, such as exit codes.",
        rich_markup_mode=None,
        no_args_is_help=True,
        subcommand_metavar="NOUN VERB [ARGUMENTS]...",
    )


def main(
    argv: Sequence[str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Run one command line.

    Args:
        argv: the arguments after the program's name; the process's own by default.
        environ: the environment; the process's own by default.
        stdin, stdout, stderr: the streams; the process's own by default.

    Returns:
        The exit code, one meaning each: see ExitCode.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    invocation = Invocation(
        environ=dict(os.environ if environ is None else environ),
        stdin=stdin or sys.stdin or _nothing("r"),
        stdout=stdout or sys.stdout or _nothing("w"),
        stderr=cast("TextIO", Forgiving(stderr or sys.stderr or _nothing("w"))),
    )
    previous = _catch_termination()
    try:
        code = _run(arguments, invocation)
    finally:
        if invocation.platform is not None:
            invocation.platform.close()
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)
        gc.enable()
    return code


def run() -> None:
    """The console script."""
    code = main()
    # The process's memory goes back as a whole: Python's last collection would take a third of a short command.
    gc.freeze()
    sys.exit(code)


def _run(arguments: list[str], invocation: Invocation) -> int:
    try:
        _refuse_what_is_no_text(arguments)
        code = root().run(arguments, invocation)
        invocation.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout went away; what the command had to do was done before anything was written.
        forget(invocation.stdout)
        code = invocation.code
    except BaseException as error:  # noqa: BLE001 - the only one: every failure becomes a code and a message
        code = _report(error, arguments, invocation)
        try:
            invocation.stdout.flush()
        except OSError:
            forget(invocation.stdout)
    return code


def _refuse_what_is_no_text(arguments: list[str]) -> None:
    """The database holds no NUL, and neither it nor JSON anything that is not Unicode.

    Raises:
        UsageError: an argument is not UTF-8, or holds a NUL.
    """
    for argument in arguments:
        if NO_TEXT.search(argument):
            raise UsageError(f"the argument {argument!r} is not UTF-8, or holds a NUL", "give it as UTF-8")


def _report(error: BaseException, arguments: list[str], invocation: Invocation) -> int:
    if invocation.shared.debug:
        import traceback

        invocation.stderr.write(without_keys("".join(traceback.format_exception(error))))
    told = _as_ours(error, invocation)
    if isinstance(told, MissingPrivilege) and invocation.command is not None:
        told.hint = invocation.command.needs if invocation.shared.as_user is None else "customers may not read that"
    if type(error).__name__ == "NoArgsIsHelpError":
        invocation.stderr.write(f"{error}\n")
        return int(ExitCode.USAGE)
    write_error(told, invocation, machine=_asked_format(arguments, invocation) in MACHINE_FORMATS)
    return int(told.code)


def _as_ours(error: BaseException, invocation: Invocation) -> AgentadmError:
    if isinstance(error, AgentadmError):
        return error
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else PROGRAM
        return UsageError(_worded(error), f"see: {path} --help")
    if isinstance(error, KeyboardInterrupt):
        try:
            if invocation.platform is not None:
                return invocation.platform.interruption(error)
        except AgentadmError as unknown:
            return unknown
        from platform_core.errors import Interrupted, Terminated

        kind = Terminated if isinstance(error, Termination) else Interrupted
        return kind(f"{'ended by SIGTERM' if kind is Terminated else 'interrupted'}; nothing was changed")
    driver_error = _translated(error)
    if driver_error is not None:
        return driver_error
    if isinstance(error, OSError):
        return of_system_error(error, invocation)
    return AgentadmError(
        f"{type(error).__name__}: {error}",
        "this is a fault of ours: please report it with the output of --debug",
    )


def _worded(error: TyperException) -> str:
    """What Typer says, with options suggested as everything else is."""
    # Typer exports no name for an option that there is not; nothing else knows of possibilities.
    if (near := getattr(error, "possibilities", ...)) is not ...:
        option = str(getattr(error, "option_name", ""))
        # The dashes that they share make no two options alike.
        nearer = [name for name in near or () if nearest(option.lstrip("-"), [name.lstrip("-")])]
        return f"no option {option}{did_you_mean(option, nearer)}"
    return error.format_message().rstrip(".")


def _translated(error: BaseException) -> AgentadmError | None:
    """Ours for a driver's error; None for anything else. Drivers that were never loaded raised nothing."""
    if "psycopg" not in sys.modules or "sqlalchemy" not in sys.modules:
        return None
    import psycopg
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, (psycopg.Error, DBAPIError)):
        return None
    from platform_core.db.engine import translated

    return translated(error)


def _asked_format(arguments: list[str], invocation: Invocation) -> OutputFormat | None:
    """The format asked for, also where the arguments could not be parsed to the end."""
    if invocation.shared.output is not None:
        return OutputFormat(invocation.shared.output)
    for before, value in zip(["", *arguments], arguments, strict=False):
        given = value if before in {"-o", "--output"} else value.removeprefix("--output=").removeprefix("-o")
        if given in set(OutputFormat) and (given != value or before in {"-o", "--output"}):
            return OutputFormat(given)
    return None


def _nothing(mode: str) -> TextIO:
    """For a stream that the caller closed. It takes the free descriptor, so that no connection gets it."""
    return cast("TextIO", open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123 - until the process ends


def _catch_termination() -> Any:
    if threading.current_thread() is not threading.main_thread():
        return None

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Termination

    return signal.signal(signal.SIGTERM, terminate)
