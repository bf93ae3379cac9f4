"""The verbs of every noun that has versions: versions, diff and rollback; and what a version keeps of its making."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Deleted,
    Limit,
    Reference,
    Since,
    Until,
    Where,
    sort_option,
    user_option,
)
from cli.output import Listing, Page
from cli.registry import STAFF, Noun, Risk, Undo
from platform_core.bulk.types import ItemResult
from platform_core.errors import ExitCode
from platform_core.listing.types import ListRequest
from platform_core.text_diff import DiffLine
from platform_core.versions.types import VERSION_SORTS, ChangeNote, Version

if TYPE_CHECKING:
    from platform_core.services import Services

Notes = Annotated[str | None, typer.Option(metavar="TEXT", help="What changed; kept with the version.")]
ChangedBy = Annotated[str | None, user_option("Who changed it; kept with the version.")]


@dataclass(frozen=True)
class Words:
    """What the verbs say of a noun.

    Attributes:
        one: one thing, with its article.
        several: things, as the noun has them.
        more: what a version shows besides, and where.
        compared: how two versions are compared.
        parts: what of a thing is versioned.
        example: a reference in the demo data, as it is typed.
    """

    one: str
    several: str
    more: str
    compared: str
    parts: str
    example: str


def declare_versions(
    noun: Noun, kind: Reference, result: type, words: Words, service: "Callable[[Services], Any]"
) -> None:
    """Give a noun the verbs of versions.

    Args:
        noun: which.
        kind: how its things are named.
        result: what rollback answers with.
        words: for help and examples.
        service: its VersionService.
    """
    one, several = Annotated[str, kind.one], Annotated[list[str], kind.several]

    @noun.command("versions", example=f"agentadm {noun.path} versions {words.example}")
    @_taking(kind, one, Listing[Version], words)
    def versions(
        ctx: Context,
        thing: Any,
        deleted: Deleted = False,
        where: Where = None,
        since: Since = None,
        until: Until = None,
        sort: Annotated[str | None, sort_option(VERSION_SORTS)] = None,
        limit: Limit = DEFAULT_LIMIT,
        all_: All = False,
    ) -> Listing[Version]:
        """List the versions of {one}, newest first: when each was made, by whom and why; {more}."""
        request = ListRequest(where or (), sort, since, until, None if all_ else limit)
        return ctx.listed(request, lambda services: service(services).list(thing, request, deleted=deleted))

    @noun.command("diff", operators=STAFF, example=f"agentadm {noun.path} diff {words.example} --from 1")
    @_taking(kind, one, Page[DiffLine], words)
    def diff(
        ctx: Context,
        thing: Any,
        from_: Annotated[
            int | None, typer.Option("--from", metavar="N", min=1, help="A version; else the one before the other.")
        ] = None,
        to: Annotated[int | None, typer.Option("--to", metavar="N", min=1, help="A version; else the newest.")] = None,
        deleted: Deleted = False,
    ) -> Page[DiffLine]:
        """Show what differs between two versions of {one}, {compared}; exit with 1 if they differ."""
        found = ctx.read(lambda services: service(services).diff(thing, start=from_, end=to, deleted=deleted))
        if found.lines:
            ctx.invocation.code = int(ExitCode.DIFFERS)
        else:
            ctx.note(f"no difference between version {found.from_version} and version {found.to_version}")
        return Page(found.text, found.lines)

    @noun.command(
        "rollback",
        risk=Risk.MODERATE,
        undo=Undo.REVERSIBLE,
        example=f"agentadm {noun.path} rollback {words.example} --to 1 --yes",
    )
    @_taking(kind, several, tuple[ItemResult, ...] | result, words)
    def rollback(
        ctx: Context,
        thing: Any,
        to: Annotated[int, typer.Option("--to", metavar="N", min=1, help="The version whose content is wanted.")],
        notes: Notes = None,
        changed_by: ChangedBy = None,
    ) -> Any:
        """Make a new version of {several} with the {parts} of an earlier one."""
        note = ChangeNote(notes, changed_by)
        return ctx.write_each(thing, lambda services, reference: service(services).rollback(reference, to, note=note))


def _taking(
    kind: Reference, annotation: Any, result: Any, words: Words
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make of a verb on a `thing` one of a noun: the argument gets the noun's name, the help its words."""
    name = kind.metavar.lower()

    def make(verb: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(verb)
        def run(**given: Any) -> Any:
            return verb(thing=given.pop(name), **given)

        written = inspect.signature(verb)
        parameters = [
            each.replace(name=name, annotation=annotation) if each.name == "thing" else each
            for each in written.parameters.values()
        ]
        described: Any = run
        described.__signature__ = written.replace(parameters=parameters, return_annotation=result)
        described.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": result}
        described.__doc__ = (verb.__doc__ or "").format_map(vars(words))
        return run

    return make
