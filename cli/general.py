"""Commands without a noun: demo, help, completion, version."""

import platform as python_platform
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from cli import completers
from cli.context import Context
from cli.output import Page
from cli.registry import Noun, Risk, Undo
from cli.topics import Entry, ExitMeaning
from platform_core.db.version import SCHEMA_VERSION

noun = Noun("", "")


@dataclass(frozen=True)
class Version:
    """Versions that a report of a fault should name."""

    agentadm: str
    python: str
    schema: str
    system: str


@dataclass(frozen=True)
class Script:
    """A completion script."""

    shell: str
    script: str


@noun.command("version", example="agentadm version")
def version(ctx: Context) -> Version:  # noqa: ARG001 - every command receives it
    """Show the versions of the tool, of Python and of the schema."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        number = version_of("agentadm")
    except PackageNotFoundError:
        number = "not installed"
    return Version(number, sys.version.split()[0], SCHEMA_VERSION, python_platform.platform())


@noun.command("help", example="agentadm help exit-codes")
def help_topic(
    ctx: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC | NOUN VERB]...",
            help="A topic, or a command; nothing lists the topics.",
            show_default=False,
            autocompletion=completers.topics,
        ),
    ] = None,
) -> Page[Entry | ExitMeaning]:
    """Explain a topic, or show a command's help."""
    from cli.help import told

    return told(ctx, tuple(words or ()))


@noun.command("completion", example="agentadm completion bash")
def completion(
    ctx: Context,  # noqa: ARG001 - every command receives it
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL", help="bash, zsh or fish.", autocompletion=completers.of_words("bash", "zsh", "fish")
        ),
    ],
) -> Page[Script]:
    """Print the completion script of a shell."""
    from cli.completion import script_of

    text = script_of(shell)
    return Page(text, [Script(shell, text)])


@noun.command(
    "demo",
    risk=Risk.MILD,
    undo=Undo.COMPENSATED,
    compensated_by="db reset",
    example="agentadm demo",
)
def demo(ctx: Context) -> None:
    """Make a local server with a believable company, and take a short tour."""
    from cli.demo import tour

    tour(ctx)
