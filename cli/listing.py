"""What a list command does: one page, or all rows, read while they are rendered."""

import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from cli.output import Listing, chosen_names, format_of
from cli.shared import OutputFormat
from platform_core.listing.types import CopyFormat, ListRequest, Rows

if TYPE_CHECKING:
    from cli.context import Context
    from platform_core.services import Services

T = TypeVar("T")


def listed(ctx: "Context", request: ListRequest, work: "Callable[[Services], Rows[T]]") -> Listing[T]:
    """The rows of a list command; see Context.listed."""
    names = chosen_names(ctx.invocation, ctx.properties.result)
    if request.limit is not None:
        page = ctx.read(lambda services: work(services).page())
        # Who asks for so many, and for quiet, knows.
        asked = getattr(ctx.get_parameter_source("limit"), "name", "") == "COMMANDLINE"
        return Listing(page.rows, page.more and not (asked and ctx.shared.quiet))
    # The database masks nothing.
    output = _copy_format(ctx) if ctx.shared.reveal or not ctx.properties.masks else None

    def all_rows(services: "Services") -> Iterator[Any]:
        rows = work(services)
        copied = None if output is None else rows.copy(output, names)
        return rows.stream() if copied is None else copied

    stream = ctx.platform.stream(all_rows)
    ctx.call_on_close(stream.close)  # type: ignore[attr-defined] # a generator
    # What is wrong with the request shows before anything is written.
    first = next(stream, None)
    if first is None:
        return Listing(())
    whole = chain([first], stream)
    return Listing((), chunks=whole) if isinstance(first, bytes) else Listing(whole)


def _copy_format(ctx: "Context") -> CopyFormat | None:
    """The form in which the database may write the answer itself, straight to stdout; None where it may not."""
    stdout = ctx.invocation.stdout
    if not isinstance(stdout, io.StringIO) and (
        not hasattr(stdout, "buffer") or (stdout.encoding or "").lower().replace("-", "") != "utf8"
    ):
        return None
    output = format_of(ctx.invocation)
    if output is OutputFormat.CSV:
        return CopyFormat.CSV if ctx.shared.exact and not stdout.isatty() else None
    return {OutputFormat.JSONL: CopyFormat.JSONL, OutputFormat.JSON: CopyFormat.JSON}.get(output)
