"""Several references to one command: as arguments, or one a line on standard input."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cli.output import refuse_unknown_columns
from platform_core.bulk.types import BulkRequest, Item, ItemResult, ItemStatus, ItemValue, exit_code
from platform_core.errors import AgentadmError, ExitCode, UsageError
from platform_core.keys.types import LONGEST_START
from platform_core.masking import without_keys
from platform_core.refs import as_uuid, as_uuid_ending, has_controls

if TYPE_CHECKING:
    from uuid import UUID

    from cli.context import Context
    from platform_core.services import Services

FROM_STDIN = "-"
NAMED_ITEMS = 3
# Of what may be another system's key.
SHOWN_FOREIGN = 8
WHOLE_KEY = "may be a whole key, which is a secret: name it by its beginning as lists show it, or by its id"
REFRESH_SECONDS = 0.2


def read_each(
    ctx: "Context", references: Sequence[str], load: "Callable[[Services, str], Any]"
) -> tuple[ItemValue, ...]:
    """Read several things, all as they were at one moment."""
    items = items_of(ctx, references)

    def read(services: "Services") -> tuple[ItemValue, ...]:
        return tuple(_value_of(item, services, load) for item in items)

    values = ctx.read(read)
    _end(ctx, values)
    return values


def finder(ctx: "Context", *, deleted: bool = False) -> "Callable[[Services, str], UUID | str]":
    """What finds the things that the command's argument names, by its kind; see cli.options.Reference."""
    from cli.options import Reference

    service = Reference.known[references_kind(ctx)].service
    where = {"deleted": True} if deleted else {}
    return lambda services, reference: getattr(services, service).find(reference, **where)


def references_kind(ctx: "Context") -> str:
    """What the argument that takes several references calls them."""
    return next(str(parameter.metavar) for parameter in ctx.command.params if parameter.nargs == -1)


def write_each(
    ctx: "Context",
    references: Sequence[str],
    change: "Callable[[Services, str], Any]",
    find: "Callable[[Services, str], UUID | str]",
    inputs: Mapping[str, Any] | None,
    *,
    private: bool,
) -> tuple[ItemResult, ...]:
    """Confirm once, then change several things; see platform_core.bulk.runs.

    Raises:
        UsageError: options that do not go together.
    """
    shared = ctx.shared
    check_options(ctx)
    refuse_unknown_columns(ctx.invocation, ctx.properties.result, several=True)
    items = items_of(ctx, references)
    ctx.targets = _named(items)
    ctx.confirm_here()
    argument = ctx.references_name
    del ctx.arguments[argument]
    named = [[item.reference, item.problem] for item in items]
    request = BulkRequest(
        write=ctx.request(inputs={**(inputs or {}), "items": named}),
        argument=argument,
        items=items,
        atomic=is_whole(ctx),
        expect=shared.expect,
        resume=shared.resume,
        restart=shared.restart,
        error_unchanged=shared.error_unchanged,
        private=private,
    )
    progress = Progress(ctx, len(items))
    try:
        done = ctx.platform.write_each(request, change, find, progress.show)
    finally:
        progress.clear()
    # From here on only the answer can fail.
    ctx.invocation.answering, ctx.invocation.changed = True, not shared.dry_run
    if done.outcome is not None:
        ctx.report_run(done.outcome)
    if shared.results is not None:
        _keep_results(ctx, Path(shared.results), done.results)
    _end(ctx, done.results)
    return done.results


def items_of(ctx: "Context", references: Sequence[str]) -> tuple[Item, ...]:
    """What is meant, in order: references as given, and in place of - those on standard input.

    Raises:
        UsageError: standard input is asked for twice.
    """
    if references.count(FROM_STDIN) > 1:
        raise UsageError("standard input can be read once only", "give - once")
    found: list[tuple[str, str | None]] = []
    for reference in references:
        if reference == FROM_STDIN:
            ctx.invocation.stdin_taken = True
            found += _from_lines(_lines(ctx.invocation.stdin))
        else:
            found.append((reference, _problem(reference)))
    of_keys = references_kind(ctx) == "API_KEY"
    found = [_without_secret(name, problem, of_keys=of_keys) for name, problem in found]
    return tuple(Item(place, name, problem) for place, (name, problem) in enumerate(found, 1))


def _lines(stdin: Any) -> Iterator[bytes | str]:
    """The lines as bytes where there are any, so that one that is no text fails by itself."""
    yield from getattr(stdin, "buffer", stdin)


def _from_lines(lines: Iterator[bytes | str]) -> Iterator[tuple[str, str | None]]:
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8") if isinstance(line, bytes) else line
        except UnicodeDecodeError:
            yield f"line {number}", "is not UTF-8"
            continue
        reference = text.removeprefix("\ufeff").strip()
        if not reference:
            continue
        problem = None
        if reference.startswith("{"):
            reference, problem = _from_object(reference)
        problem = problem or _problem(reference)
        yield (reference, None) if problem is None else (f"line {number}", problem)


def _from_object(line: str) -> tuple[str, str | None]:
    import json

    try:
        found = json.loads(line).get("id")
    except (ValueError, RecursionError) as error:
        return "", f"is not JSON: {error}"
    if not isinstance(found, str) or not found.strip():
        return "", "has no id that is a text"
    return found.strip(), None


def _without_secret(name: str, problem: str | None, *, of_keys: bool) -> tuple[str, str | None]:
    """What is a whole key, ours or another system's, goes no further: of an item everything is shown, and recorded."""
    shown = without_keys(name)
    plain = as_uuid(name) or as_uuid_ending(name)
    if of_keys and shown == name and problem is None and len(name) > LONGEST_START and not plain:
        shown = f"{name[:SHOWN_FOREIGN]}…"
    return (name, problem) if shown == name else (shown, WHOLE_KEY)


def _problem(reference: str) -> str | None:
    """Why a text cannot be a reference, or None."""
    if not reference.strip():
        return "is empty"
    return None if not has_controls(reference) else "holds control characters, or is not UTF-8"


def _value_of(item: Item, services: "Services", load: "Callable[[Services, str], Any]") -> ItemValue:
    if item.problem is not None:
        return ItemValue(item.reference, ItemStatus.FAILED, int(ExitCode.USAGE), item.problem, None)
    try:
        value = load(services, item.reference)
    except AgentadmError as error:
        return ItemValue(item.reference, ItemStatus.FAILED, int(error.code), error.message, None)
    return ItemValue(item.reference, ItemStatus.DONE, int(ExitCode.DONE), None, value)


def check_options(ctx: "Context") -> None:
    """Refuse options of a run that do not go together.

    Raises:
        UsageError: they do not, or --results cannot be written.
    """
    shared = ctx.shared
    if shared.resume and shared.restart:
        raise UsageError("--resume goes on, --restart begins anew: choose one")
    if (shared.resume or shared.restart) and is_whole(ctx):
        raise UsageError("all or nothing leaves nothing to go on with", "leave out --resume and --restart")
    if shared.results is not None:
        try_file("--results", Path(shared.results))


def is_whole(ctx: "Context") -> bool:
    """Whether it is all or nothing: asked for, or because a guard says what may change, which is nothing else."""
    shared = ctx.shared
    return shared.atomic or shared.expect is not None or shared.max_affected is not None


def _named(items: Sequence[Item]) -> str:
    if len(items) == 1:
        return items[0].reference
    more = ", ..." if len(items) > NAMED_ITEMS else ""
    return f"{len(items):,} items ({', '.join(item.reference for item in items[:NAMED_ITEMS])}{more})"


def _end(ctx: "Context", results: Sequence[ItemResult | ItemValue]) -> None:
    """Set the exit code, and say how many failed."""
    ctx.invocation.code = exit_code(results)
    counts = {status: sum(result.status is status for result in results) for status in ItemStatus}
    if counts[ItemStatus.FAILED] or not isinstance(next(iter(results), None), ItemValue):
        told = ", ".join(f"{number:,} {status.replace('_', ' ')}" for status, number in counts.items() if number)
        ctx.note(f"{len(results):,} items: {told}" if results else "no items")


def try_file(option: str, file: Path) -> None:
    """Find out before anything is changed whether a file can be written.

    Raises:
        UsageError: it cannot.
    """
    import tempfile

    if file.is_dir():
        raise UsageError(f"{option} {str(file)!r} is a folder", "name a file")
    try:
        with tempfile.TemporaryFile(dir=file.absolute().parent):
            pass
    except OSError as error:
        told = f"{option} {str(file)!r} cannot be written: {error.strerror}"
        raise UsageError(told, "nothing was changed") from error


def _keep_results(ctx: "Context", file: Path, results: Sequence[ItemResult]) -> None:
    """Write the results as JSON lines: a whole file, or none."""
    if ctx.shared.dry_run:
        ctx.note(f"dry run: would write {len(results):,} results to {file}")
        return
    from cli.output.text import as_json

    with whole_file(file) as stream:
        for result in results:
            operation_id = None if result.operation_id is None else str(result.operation_id)
            stream.write(as_json({**asdict(result), "operation_id": operation_id}) + "\n")


@contextmanager
def whole_file(file: Path) -> Iterator[TextIO]:
    """A file that nobody else may read, and that is there whole, or not at all."""
    import os
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Progress:
    """One line on stderr that is written over, for a person at a terminal.

    Args:
        ctx: of the command.
        total: how many items there are.
        noun: what they are.
    """

    def __init__(self, ctx: "Context", total: int, noun: str = "items") -> None:
        self._stderr = ctx.invocation.stderr
        self._shown = self._stderr.isatty() and not ctx.shared.quiet
        self._total = total
        self._noun = noun
        self._next = time.monotonic() + REFRESH_SECONDS
        self._dirty = False

    def show(self, done: int) -> None:
        """So many items are through."""
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + REFRESH_SECONDS
            self._dirty = True
            self._stderr.write(f"\r{done:,} of {self._total:,} {self._noun} ")
            self._stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._dirty:
            self._stderr.write("\r\x1b[K")
            self._stderr.flush()
