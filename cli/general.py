"""Commands without a noun: demo, help, version."""

import platform as python_platform
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.context import Context
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import EXIT_MEANINGS, UsageError

noun = Noun("", "")


@dataclass(frozen=True)
class Version:
    """Versions that a report of a fault should name."""

    agentadm: str
    python: str
    schema: str
    system: str


@dataclass(frozen=True)
class ExitMeaning:
    """An exit code and what it means."""

    code: int
    meaning: str


@noun.command("version", example="agentadm version")
def version(ctx: Context) -> Version:  # noqa: ARG001 - every command receives it
    """Show the versions of the tool, of Python and of the schema."""
    from importlib.metadata import version as version_of

    return Version(version_of("agentadm"), sys.version.split()[0], SCHEMA_VERSION, python_platform.platform())


@noun.command("help", example="agentadm help exit-codes")
def help_topic(
    ctx: Context,  # noqa: ARG001 - every command receives it
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="exit-codes")],
) -> Listing[ExitMeaning]:
    """Explain a topic: exit-codes."""
    if topic != "exit-codes":
        raise UsageError(f"no help topic {topic!r}", "topics: exit-codes")
    return Listing([ExitMeaning(int(code), meaning) for code, meaning in EXIT_MEANINGS.items()])


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
