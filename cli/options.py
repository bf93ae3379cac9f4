"""Arguments and options that several commands take, each declared once."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import typer

from cli import completers


class Reference:
    """How things of one kind are named on the command line.

    Args:
        metavar: what stands for one in a usage line.
        service: name of the service whose `find` finds them.
        how: by what one is named.
        more: what is said where there may be several.
        completes: whether the database completes them: under the name of the service.

    Attributes:
        one: the argument that takes one.
        several: the argument that takes several; Context.write_each finds them by itself.
    """

    # All kinds, by metavar.
    known: ClassVar[dict[str, "Reference"]] = {}

    def __init__(
        self,
        metavar: str,
        service: str,
        how: str,
        *,
        more: str = "several, or - for one a line on stdin",
        completes: bool = True,
    ) -> None:
        self._shared: dict[str, Any] = {"metavar": metavar}
        if completes:
            self._shared["autocompletion"] = completers.of_database(service)
        self.one = typer.Argument(help=f"{how}.", **self._shared)
        self.several = typer.Argument(help=f"{how}; {more}.", **self._shared)
        self.metavar, self.service = metavar, service
        self.known[metavar] = self

    def option(self, help: str) -> Any:  # noqa: A002 - Typer's word for it
        """An option that names one."""
        return typer.Option(help=help, **self._shared)


USER = Reference("USER", "users", "E-mail, username, id, ending of an id, or id at a provider")
TEAM = Reference("TEAM", "teams", "Slug, id, or ending of an id")
PROJECT = Reference("PROJECT", "projects", "Name, id, or ending of an id")
CREW = Reference("CREW", "crews", "Name, id, or ending of an id")
AGENT = Reference("AGENT", "agents", "team/slug, @handle, id, or ending of an id")
INSTANCE = Reference("INSTANCE", "instances", "Machine's id, id, or ending of an id")
MODEL = Reference("MODEL", "models", "Name, id, or ending of an id")
WORKFLOW = Reference("WORKFLOW", "workflows", "Name, team/name, id, or ending of an id")
RUN = Reference("RUN", "runs", "Id, or ending of an id")

UserRef = Annotated[str, USER.one]
UserRefs = Annotated[list[str], USER.several]
TeamRef = Annotated[str, TEAM.one]
TeamRefs = Annotated[list[str], TEAM.several]
ProjectRefs = Annotated[list[str], PROJECT.several]
CrewRef = Annotated[str, CREW.one]
CrewRefs = Annotated[list[str], CREW.several]
AgentRef = Annotated[str, AGENT.one]
AgentRefs = Annotated[list[str], AGENT.several]
InstanceRefs = Annotated[list[str], INSTANCE.several]
ModelRefs = Annotated[list[str], MODEL.several]
WorkflowRef = Annotated[str, WORKFLOW.one]
WorkflowRefs = Annotated[list[str], WORKFLOW.several]
RunRefs = Annotated[list[str], RUN.several]
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
Deleted = Annotated[bool, typer.Option("--deleted", help="Look among the deleted ones.")]
OnlyDeleted = Annotated[bool, typer.Option("--deleted", help="The deleted ones instead.")]


def sort_option(fields: Sequence[str]) -> Any:
    """--sort of a list, which names the fields that it takes."""
    return typer.Option(
        "--sort",
        metavar="FIELD",
        help=f"{', '.join(fields)}; -FIELD from the greatest.",
        autocompletion=completers.of_words(*fields, *(f"-{field}" for field in fields)),
    )


user_option = USER.option
team_option = TEAM.option
project_option = PROJECT.option
agent_option = AGENT.option
workflow_option = WORKFLOW.option
