"""The only renderer: values to stdout in seven formats, notes, dry-run changes and errors to stderr.

Text that users wrote is data: it is never read as markup, and never reaches a terminal as a control sequence.
"""

import shutil
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Generic, TextIO, TypeVar

from cli.output.text import as_json, builtins_of, counted, visible, visible_lines
from cli.shared import OutputFormat
from platform_core.errors import AgentadmError, UsageError
from platform_core.masking import with_masks
from platform_core.near import did_you_mean

if TYPE_CHECKING:
    from cli.context import Invocation
    from platform_core.operations.types import Outcome

T = TypeVar("T")

MACHINE_FORMATS = frozenset({OutputFormat.JSON, OutputFormat.JSONL, OutputFormat.CSV, OutputFormat.YAML})
SHOWN_CHANGES = 20


@dataclass(frozen=True)
class Listing(Generic[T]):
    """The value of a list command: rows, and whether there are more than were asked for.

    `rows` may come one by one. `chunks` are the rows as they go to stdout, instead: the database wrote them.
    """

    rows: Iterable[T]
    more: bool = False
    chunks: Iterator[bytes] | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """A text for people, which is rows for programs: help, a script."""

    text: str
    rows: Sequence[T]


def format_of(invocation: "Invocation") -> OutputFormat:
    """The format in force: as asked, else a table on a terminal and plain in a pipe."""
    if invocation.shared.output is not None:
        return OutputFormat(invocation.shared.output)
    return OutputFormat.TABLE if invocation.stdout.isatty() else OutputFormat.PLAIN


def render(value: Any, result_type: Any, invocation: "Invocation") -> None:
    """Write a command's value to stdout.

    Args:
        value: a frozen dataclass, a Listing, or a tuple of dataclasses.
        result_type: the command's return annotation: an empty list still has its fields.
        invocation: streams, format and columns.

    Raises:
        UsageError: --columns names a field that there is not.
    """
    if isinstance(value, Page):
        if format_of(invocation) in {OutputFormat.TABLE, OutputFormat.PLAIN}:
            # A file gets it to the letter.
            invocation.stdout.write(visible_lines(value.text) if invocation.stdout.isatty() else value.text)
            return
        value = Listing(value.rows)
    single = not isinstance(value, (Listing, tuple, list))
    rows = [value] if single else (value.rows if isinstance(value, Listing) else value)
    if not invocation.shared.reveal:
        rows = _masked(rows)
    chosen = chosen_names(invocation, result_type, rows)
    if isinstance(value, Listing) and value.chunks is not None:
        _write_chunks(value.chunks, chosen, invocation)
        return
    _write(format_of(invocation), rows, chosen, invocation, single=single)
    if single:
        return
    # Also with --quiet: no list is cut in silence.
    if isinstance(value, Listing) and value.more:
        write_note(
            invocation.stderr, f"the first {len(list(rows))} only: there are more, ask for them with --limit N or --all"
        )
    elif not rows and not invocation.shared.quiet:
        write_note(invocation.stderr, "none found")


def _masked(rows: Iterable[Any]) -> Iterable[Any]:
    """The rows with what is masked made unreadable; a sequence stays one."""
    if isinstance(rows, Sequence):
        return [with_masks(row) for row in rows]
    return (with_masks(row) for row in rows)


def chosen_names(invocation: "Invocation", result_type: Any, rows: Iterable[Any] = ()) -> list[str]:
    """The fields to be shown: those of --columns, else all that a row has.

    Raises:
        UsageError: --columns names a field that there is not.
    """
    names = [field.name for field in fields(_row_type(result_type, rows if isinstance(rows, Sequence) else ()))]
    return _chosen(invocation.shared.columns, names)


def refuse_unknown_columns(invocation: "Invocation", result_type: Any, *, several: bool) -> None:
    """Look at --columns before anything is changed: afterwards an error would hide what was done.

    Args:
        invocation: with the columns.
        result_type: the command's return annotation; of a thing, or of several results.
        several: which of them it will be.

    Raises:
        UsageError: one names a field that there is not.
    """
    if invocation.shared.columns is None:
        return
    either = typing.get_args(result_type) if isinstance(result_type, types.UnionType) else (result_type,)
    for option in either:
        whole = isinstance(option, type) and is_dataclass(option)
        if len(either) == 1 or whole is not several:
            row = option if whole else _row_type(option, ())
            _chosen(invocation.shared.columns, [field.name for field in fields(row)])
            return


def _write_chunks(chunks: Iterable[bytes], names: Sequence[str], invocation: "Invocation") -> None:
    """Rows that the database wrote, as they are."""
    stdout = invocation.stdout
    if format_of(invocation) is OutputFormat.CSV:
        stdout.write(f"{','.join(names)}\n")
    buffer = getattr(stdout, "buffer", None)
    if buffer is None:
        stdout.writelines(chunk.decode() for chunk in chunks)
        return
    stdout.flush()
    buffer.writelines(chunks)


def _write(
    output: OutputFormat, rows: Iterable[Any], names: Sequence[str], invocation: "Invocation", *, single: bool
) -> None:
    from cli.output import machine, people

    stdout = invocation.stdout
    if output is OutputFormat.TABLE:
        from platform_core.bulk.types import ItemValue

        width, colour = _terminal_width(invocation), has_colour(invocation)
        if isinstance(rows, Sequence) and rows and isinstance(rows[0], ItemValue) and not invocation.shared.columns:
            people.write_results(rows, stdout, width=width, colour=colour)
            return
        raw = (_select(row, names, _attribute) for row in rows)
        if single:
            people.write_section(next(raw), names, stdout, width=width, colour=colour)
            return
        hidden = people.write_table(raw, names, stdout, width=width, colour=colour)
        if hidden:
            write_note(invocation.stderr, f"no room for: {', '.join(hidden)} (--columns chooses, -o json has all)")
        return
    plain = _plain_rows(rows, names)
    if output is OutputFormat.JSON:
        machine.write_json(plain, stdout, single=single)
    elif output is OutputFormat.JSONL:
        machine.write_json_lines(plain, stdout)
    elif output is OutputFormat.YAML:
        machine.write_yaml(plain, stdout, single=single)
    elif output is OutputFormat.CSV:
        machine.write_csv(plain, names, stdout, exact=invocation.shared.exact)
    elif output is OutputFormat.PLAIN:
        machine.write_plain(plain, names, stdout, single=single)
    else:
        people.write_markdown(plain, names, stdout, single=single)


def write_note(stderr: TextIO, text: str) -> None:
    """One line on stderr that is not the result."""
    stderr.write(f"{visible(text)}\n")


def write_error(error: AgentadmError, invocation: "Invocation", machine: bool) -> None:
    """An error on stderr: one line and a hint for people, one JSON object with a machine format."""
    if machine:
        told = {
            "code": int(error.code),
            "kind": error.kind,
            "message": error.message,
            "hint": error.hint,
            "operation_id": error.operation_id,
        }
        invocation.stderr.write(as_json({"error": told}) + "\n")
        return
    invocation.stderr.write(f"error: {visible(error.message)}\n")
    if error.hint:
        invocation.stderr.write(f"hint: {visible(error.hint)}\n")


def write_changes(invocation: "Invocation", outcome: "Outcome[Any]") -> None:
    """What a dry run would have changed, on stderr."""
    from cli.output.people import change_line

    changes = outcome.changes
    total = 0 if changes is None else changes.total
    # What triggers derive is listed, and not counted: as in the real run.
    rows = counted(outcome.affected, "row")
    write_note(invocation.stderr, f"dry run: {rows} would change, nothing was changed")
    shown = () if changes is None else changes.shown[:SHOWN_CHANGES]
    for change in shown:
        write_note(invocation.stderr, f"  {change_line(change)}")
    if total > len(shown):
        write_note(invocation.stderr, f"  and {total - len(shown):,} more")
    for request in outcome.planned:
        write_note(invocation.stderr, f"  would send: {as_json(dict(request))}")


def _row_type(result_type: Any, rows: Sequence[Any]) -> Any:
    """The dataclass of a row: of the first row, else as the annotation says."""
    if rows:
        return type(rows[0])
    for argument in typing.get_args(result_type):
        if isinstance(argument, type) and is_dataclass(argument):
            return argument
        if isinstance(argument, types.GenericAlias):
            return _row_type(argument, rows)
    raise TypeError(f"{result_type} does not say what its rows are")


def _chosen(columns: str | None, names: Sequence[str]) -> list[str]:
    if columns is None:
        return list(names)
    chosen = [name.strip() for name in columns.split(",") if name.strip()]
    if not chosen:
        raise UsageError(f"--columns {columns!r} names no field", f"fields: {', '.join(names)}")
    for name in chosen:
        if name.partition(".")[0] not in names:
            meant = did_you_mean(name.partition(".")[0], names)
            raise UsageError(f"no field {name!r}{meant}", f"fields: {', '.join(names)}")
    return chosen


def _plain_rows(rows: Iterable[Any], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of what JSON knows: text, numbers, lists, mappings."""
    for row in rows:
        yield _select(builtins_of(row), names, _item)


def _select(row: Any, names: Iterable[str], step: Any) -> dict[str, Any]:
    selected = {}
    for name in names:
        value = row
        for part in name.split("."):
            value = step(value, part)
        selected[name] = value
    return selected


def _item(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _attribute(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def has_colour(invocation: "Invocation") -> bool:
    """Whether the result is coloured: on a terminal that can, unless NO_COLOR says no; never in a pipe."""
    environ = invocation.environ
    capable = environ.get("TERM", "") not in {"", "dumb", "unknown"}
    return invocation.stdout.isatty() and capable and not environ.get("NO_COLOR")


def _terminal_width(invocation: "Invocation") -> int:
    if given := invocation.environ.get("COLUMNS", ""):
        return max(20, int(given)) if given.isdigit() else 80
    return max(20, shutil.get_terminal_size().columns)
