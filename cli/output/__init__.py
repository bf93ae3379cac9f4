"""The only renderer: values to stdout in seven formats; notes, dry-run changes and errors are in notes.py.

Text that users wrote is data: it is never read as markup, and never reaches a terminal as a control sequence.
"""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cli.output.notes import terminal_width, write_note
from cli.output.text import builtins_of, visible_lines
from cli.shared import OutputFormat
from platform_core.errors import UsageError
from platform_core.masking import masked_names, with_masks
from platform_core.near import did_you_mean

if TYPE_CHECKING:
    from cli.context import Invocation

T = TypeVar("T")

MACHINE_FORMATS = frozenset({OutputFormat.JSON, OutputFormat.JSONL, OutputFormat.CSV, OutputFormat.YAML})


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
    row_type = _row_type(result_type, rows if isinstance(rows, Sequence) else ())
    # What was chosen is given up from the end.
    matters = chosen if invocation.shared.columns else getattr(row_type, "MATTERS", ())
    _write(format_of(invocation), rows, chosen, invocation, single=single, matters=matters)
    if single:
        _say_what_is_masked(value, chosen, invocation)
        return
    # Also with --quiet: no list is cut in silence.
    if isinstance(value, Listing) and value.more:
        shown = len(list(rows))
        write_note(invocation, f"the first {shown} only: there are more, ask for them with --limit N or --all")
    elif not rows and not invocation.shared.quiet:
        write_note(invocation, "none found")


def _say_what_is_masked(value: Any, names: Sequence[str], invocation: "Invocation") -> None:
    """To people; programs know, and a command that does not reveal has nothing to say."""
    shared, command = invocation.shared, invocation.command
    if format_of(invocation) is not OutputFormat.TABLE or shared.reveal or shared.quiet:
        return
    if command is not None and command.masks and (hidden := [name for name in masked_names(value) if name in names]):
        write_note(invocation, f"masked: {', '.join(hidden)} (--reveal shows them, and goes on record)")


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
    output: OutputFormat,
    rows: Iterable[Any],
    names: Sequence[str],
    invocation: "Invocation",
    *,
    single: bool,
    matters: Sequence[str],
) -> None:
    from cli.output import machine, people

    stdout = invocation.stdout
    if output is OutputFormat.TABLE:
        from platform_core.bulk.types import ItemValue

        width, colour = terminal_width(invocation), has_colour(invocation)
        if isinstance(rows, Sequence) and rows and isinstance(rows[0], ItemValue) and not invocation.shared.columns:
            people.write_results(rows, stdout, width=width, colour=colour)
            return
        raw = (_select(row, names, _attribute) for row in rows)
        if single:
            whole = invocation.shared.columns is not None
            people.write_section(next(raw), names, stdout, width=width, colour=colour, cut=not whole)
            return
        hidden = people.write_table(raw, names, stdout, width=width, colour=colour, matters=matters)
        if hidden:
            write_note(invocation, f"no room for: {', '.join(hidden)} (--columns chooses, -o json has all)")
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
