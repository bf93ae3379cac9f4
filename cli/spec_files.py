"""What agents import does: a file for each agent, each with its result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.bulk import FROM_STDIN
from cli.text_input import text_of
from platform_core.agents.types import Agent, AgentType, SpecSource
from platform_core.errors import UsageError
from platform_core.importing.answers import OnConflict
from platform_core.versions.types import ChangeNote

if TYPE_CHECKING:
    from uuid import UUID

    from cli.context import Context
    from platform_core.bulk.types import ItemResult
    from platform_core.services import Services


def imported(
    ctx: "Context",
    files: Sequence[str],
    *,
    team: str | None,
    user: str | None,
    name: str | None,
    slug: str | None,
    agent_type: AgentType | None,
    values: Mapping[str, Any],
    on_conflict: OnConflict,
    note: ChangeNote,
) -> "tuple[ItemResult, ...] | Agent":
    """Make agents of files; of one the agent, of several a result for each.

    Raises:
        UsageError: what is for one file was given for several; standard input is not the only one.
    """
    if len(files) > 1 and FROM_STDIN in files:
        raise UsageError("standard input holds one specification", "give - alone")
    if len(files) > 1 and (name or slug):
        raise UsageError("--name and --slug are for one file", "leave them out, or give one file at a time")
    # Read once: the work may run again.
    texts = {file: _read(ctx, file) for file in dict.fromkeys(files)}
    known = {field: value for field, value in values.items() if value is not None}

    def source(file: str) -> SpecSource:
        if isinstance(text := texts[file], UsageError):
            raise text
        return SpecSource(text, None if file == FROM_STDIN else Path(file).stem, name, slug, agent_type, known)

    def change(services: "Services", file: str) -> Agent:
        return services.agent_specs.import_spec(source(file), team=team, user=user, on_conflict=on_conflict, note=note)

    def find(services: "Services", file: str) -> "UUID | str":
        return services.agent_specs.find_import(source(file), team=team, user=user)

    inputs = {"texts": {file: str(text) for file, text in texts.items()}}
    if FROM_STDIN in files:
        return ctx.write(lambda services: change(services, FROM_STDIN), inputs=inputs)
    return ctx.write_each(files, change, find=find, inputs=inputs)


def _read(ctx: "Context", file: str) -> str | UsageError:
    """The text of a file, or why there is none: the other files are not to suffer from it."""
    try:
        return text_of(ctx, file)
    except UsageError as error:
        return error
