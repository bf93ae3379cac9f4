"""What the import commands share: the input, the run, what was not taken, and the exit code."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from cli.bulk import FROM_STDIN, Progress, check_options, is_whole, try_file, whole_file
from cli.output.text import counted
from platform_core.errors import UsageError
from platform_core.importing.answers import ImportResult, InputFormat, OnConflict, SyncResult
from platform_core.importing.types import Counts, ImportOutcome, ImportRequest, InputFile, Reject, Rejected, exit_code
from platform_core.users.types import SyncProvider

if TYPE_CHECKING:
    from cli.context import Context

TOLD_REJECTS = 10
ENDINGS = {".csv": InputFormat.CSV, ".jsonl": InputFormat.JSONL, ".ndjson": InputFormat.JSONL}


@contextmanager
def readable(ctx: "Context", file: str) -> Iterator[tuple[Path, str]]:
    """A file that can be read more than once, and its name; standard input is kept in a private one meanwhile.

    Raises:
        UsageError: it cannot be read.
    """
    import tempfile

    path = Path(file)
    if file != FROM_STDIN and path.is_file():
        yield path, file
        return
    if path.is_dir():
        raise UsageError(f"{file!r} is a folder", "name a file")
    with tempfile.NamedTemporaryFile(prefix="agentadm-") as spool:
        if file == FROM_STDIN:
            ctx.invocation.stdin_taken = True
            _copy(ctx.invocation.stdin, cast("BinaryIO", spool))
        else:
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, spool)
        spool.flush()
        yield Path(spool.name), "standard input" if file == FROM_STDIN else file


def _copy(stdin: Any, spool: BinaryIO) -> None:
    binary = getattr(stdin, "buffer", None)
    if binary is not None:
        shutil.copyfileobj(binary, spool)
        return
    while text := stdin.read(1 << 16):
        spool.write(text.encode("utf-8", "surrogateescape"))


def format_of_input(file: str, given: InputFormat | None) -> InputFormat:
    """How a file is written: as said, else as its ending says.

    Raises:
        UsageError: neither does.
    """
    found = given or ENDINGS.get(Path(file).suffix.lower())
    if found is None:
        raise UsageError(f"{file!r} does not say how it is written", "add --format csv or --format jsonl")
    return found


def ignored_names(given: str | None) -> frozenset[str]:
    """The fields of --ignore."""
    return frozenset(name.strip() for name in (given or "").split(",") if name.strip())


def import_users(
    ctx: "Context",
    file: str,
    written: InputFormat | None,
    on_conflict: OnConflict,
    rejects: str | None,
    ignore: str | None,
) -> ImportResult:
    """`users import`: see there."""
    chosen, ignored = format_of_input(file, written), ignored_names(ignore)
    exact = ctx.shared.exact
    inputs = {"format": chosen, "on_conflict": on_conflict, "ignored": sorted(ignored), "exact": exact}
    with readable(ctx, file) as (path, name):
        source = ctx.platform.users_file(path, name, chosen, ignored=ignored, exact=exact)
        done, where = imported(ctx, source, name, rejects=rejects, inputs=inputs, on_conflict=on_conflict)
    told = done.counts
    return ImportResult(
        done.operation_id,
        told.records,
        told.created,
        told.updated,
        told.unchanged,
        told.skipped,
        told.rejected,
        where,
    )


def sync_users(ctx: "Context", file: str, provider: SyncProvider, rejects: str | None) -> SyncResult:
    """`users sync`: see there."""
    with readable(ctx, file) as (path, name), ctx.platform.users_export(path, name, provider) as source:
        done, where = imported(ctx, source, name, rejects=rejects, inputs={"from": provider}, provider=provider)
    told = done.counts
    return SyncResult(
        done.operation_id,
        told.records,
        told.created,
        told.updated,
        told.linked,
        told.unchanged,
        told.rejected,
        told.missing,
        where,
    )


def imported(
    ctx: "Context",
    file: InputFile,
    name: str,
    *,
    rejects: str | None,
    inputs: Mapping[str, Any],
    on_conflict: OnConflict = OnConflict.FAIL,
    provider: str | None = None,
) -> tuple[ImportOutcome, str | None]:
    """Confirm, then import what a file holds. Sets the exit code, and says what was not taken.

    Args:
        ctx: of the command.
        file, name: what to read, and what it is called.
        rejects: where to write what was not taken.
        inputs: what, beside the file, makes two calls the same.
        on_conflict, provider: as in ImportRequest.

    Returns:
        What came of it, and where the rejects were written to.
    """
    shared = ctx.shared
    check_options(ctx)
    if rejects is not None:
        try_file("--rejects", Path(rejects))
    records = file.survey.records
    ctx.targets = f"{counted(records, 'record')} of {name}"
    ctx.check_expected(records)
    ctx.confirm_here()
    marks = {**inputs, "sha256": file.survey.sha256, "chunks": [part.records for part in file.survey.chunks]}
    request = ImportRequest(
        # The same records are the same import, wherever the file lies.
        write=replace(ctx.request(), inputs=marks),
        file=file,
        atomic=is_whole(ctx),
        resume=shared.resume,
        restart=shared.restart,
        on_conflict=on_conflict,
        provider=provider,
    )
    progress = Progress(ctx, records, "records")
    try:
        done = ctx.platform.import_users(request, progress.show)
    except Rejected as rejected:
        progress.clear()
        _tell_rejects(ctx, file, rejects, rejected.counts, rejected.rejects)
        raise
    finally:
        progress.clear()
    # From here on only the answer can fail.
    ctx.invocation.answering, ctx.invocation.changed = True, not shared.dry_run
    _report(ctx, done)
    written = _tell_rejects(ctx, file, rejects, done.counts, done.rejects)
    ctx.invocation.code = int(exit_code(done.counts, error_unchanged=shared.error_unchanged))
    return done, written


def _report(ctx: "Context", done: ImportOutcome) -> None:
    if done.outcome is not None:
        ctx.report_run(done.outcome)
    elif done.operation_id is not None:
        told = f"{counted(done.counts.created, 'user')} created, {done.counts.updated:,} updated"
        ctx.note(f"operation {done.operation_id}: {told}")
    else:
        ctx.note("no records")


def _tell_rejects(
    ctx: "Context",
    file: InputFile,
    rejects: str | None,
    counts: Counts,
    found: Callable[[], Iterator[Reject]],
) -> str | None:
    """Name the first on stderr, write all to their file. Returns where that is; a dry run writes none."""
    if not counts.rejected:
        return None
    with closing(cast("Any", found())) as first:
        for reject in islice(first, TOLD_REJECTS):
            ctx.say(f"{file.unit} {reject.line}: {reject.reason}")
    if (more := counts.rejected - TOLD_REJECTS) > 0:
        told = f"all are in {rejects}" if rejects is not None else "name a file with --rejects to have them all"
        ctx.say(f"and {more:,} more: {told}")
    if rejects is None:
        return None
    if ctx.shared.dry_run:
        ctx.note(f"dry run: would write {counted(counts.rejected, 'record')} to {rejects}")
        return rejects
    with whole_file(Path(rejects)) as stream, closing(cast("Any", found())) as all_of_them:
        file.write_rejects(all_of_them, stream)
    return rejects
