"""Arguments and options that several commands take, each declared once."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cli import completers

UserRef = Annotated[
    str,
    typer.Argument(
        metavar="USER",
        help="E-mail, username, id, ending of an id, or id at a provider.",
        autocompletion=completers.of_database("users"),
    ),
]
UserRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="USER",
        help="E-mail, username, id, ending of an id, or id at a provider; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("users"),
    ),
]
TeamRef = Annotated[
    str,
    typer.Argument(
        metavar="TEAM", help="Slug, id, or ending of an id.", autocompletion=completers.of_database("teams")
    ),
]
TeamRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="TEAM",
        help="Slug, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("teams"),
    ),
]
ProjectRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="PROJECT",
        help="Name, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("projects"),
    ),
]
CrewRef = Annotated[
    str,
    typer.Argument(
        metavar="CREW", help="Name, id, or ending of an id.", autocompletion=completers.of_database("crews")
    ),
]
CrewRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="CREW",
        help="Name, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("crews"),
    ),
]
AgentRef = Annotated[
    str,
    typer.Argument(
        metavar="AGENT",
        help="team/slug, @handle, id, or ending of an id.",
        autocompletion=completers.of_database("agents"),
    ),
]
AgentRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="AGENT",
        help="team/slug, @handle, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("agents"),
    ),
]
InstanceRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="INSTANCE",
        help="Machine's id, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("instances"),
    ),
]
ModelRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL",
        help="Name, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("models"),
    ),
]
WorkflowRef = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW",
        help="Name, team/name, id, or ending of an id.",
        autocompletion=completers.of_database("workflows"),
    ),
]
WorkflowRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="WORKFLOW",
        help="Name, team/name, id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("workflows"),
    ),
]
RunRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Id, or ending of an id; several, or - for one a line on stdin.",
        autocompletion=completers.of_database("runs"),
    ),
]
OperationRef = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION",
        help="Id of an operation, or its ending.",
        autocompletion=completers.of_database("operations"),
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="EXPR",
        help="Only what fits: FIELD=VALUE, or with != > >= < <=, or ~ for contains; FIELD= for no value. Repeatable.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="PERIOD",
        help="From then on: 2026-10, -30d, last-month, a time.",
        autocompletion=completers.periods,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="PERIOD",
        help="Through then: 2026-10-31, yesterday, a time.",
        autocompletion=completers.periods,
    ),
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many at most.")]
All = Annotated[bool, typer.Option("--all", help="All of them, whatever --limit says.")]
DEFAULT_LIMIT = 50


def sort_option(fields: Sequence[str]) -> Any:
    """--sort of a list, which names the fields that it takes."""
    return typer.Option(
        "--sort",
        metavar="FIELD",
        help=f"{', '.join(fields)}; -FIELD from the greatest.",
        autocompletion=completers.of_words(*fields, *(f"-{field}" for field in fields)),
    )


def user_option(help: str) -> Any:  # noqa: A002 - Typer's word for it
    """An option that names a user."""
    return typer.Option(metavar="USER", help=help, autocompletion=completers.of_database("users"))


def team_option(help: str) -> Any:  # noqa: A002 - Typer's word for it
    """An option that names a team."""
    return typer.Option(metavar="TEAM", help=help, autocompletion=completers.of_database("teams"))


def project_option(help: str) -> Any:  # noqa: A002 - Typer's word for it
    """An option that names a project."""
    return typer.Option(metavar="PROJECT", help=help, autocompletion=completers.of_database("projects"))


def agent_option(help: str) -> Any:  # noqa: A002 - Typer's word for it
    """An option that names an agent."""
    return typer.Option(metavar="AGENT", help=help, autocompletion=completers.of_database("agents"))


def workflow_option(help: str) -> Any:  # noqa: A002 - Typer's word for it
    """An option that names a workflow."""
    return typer.Option(metavar="WORKFLOW", help=help, autocompletion=completers.of_database("workflows"))
