"""The only renderer: values to stdout in seven formats, notes, dry-run changes and errors to stderr.

Text that users wrote is data: it is never read as markup, and never reaches a terminal as a control sequence.
"""

import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Generic, TextIO, TypeVar

from cli.options import OutputFormat
from platform_core.errors import AgentadmError, UsageError

if TYPE_CHECKING:
    from cli.context import Invocation
    from platform_core.audit.types import Change
    from platform_core.operations.types import Outcome

T = TypeVar("T")

# Control characters, and those that turn the direction of what follows: all harmless as \uXXXX.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
_NUMBER_OR_PHONE = re.compile(r"[+-]?[0-9][0-9 ().,/-]*(?:[eE][+-]?[0-9]+)?")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
MACHINE_FORMATS = frozenset({OutputFormat.JSON, OutputFormat.JSONL, OutputFormat.CSV, OutputFormat.YAML})
SHOWN_CHANGES = 20


@dataclass(frozen=True)
class Listing(Generic[T]):
    """The value of a list command: rows, and whether there are more than were asked for."""

    rows: Sequence[T]
    more: bool = False


def listing(rows: Sequence[T], limit: int | None) -> Listing[T]:
    """A list out of rows that were asked for with one more than the limit."""
    if limit is None:
        return Listing(rows)
    return Listing(rows[:limit], more=len(rows) > limit)


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
    single = not isinstance(value, (Listing, tuple, list))
    rows = [value] if single else list(value.rows if isinstance(value, Listing) else value)
    names = [field.name for field in fields(_row_type(result_type, rows))]
    chosen = _chosen(invocation.shared.columns, names)
    plain = [_select(_builtins(row), chosen) for row in rows]
    _write(format_of(invocation), plain, chosen, invocation.stdout, single=single)
    if single or invocation.shared.quiet:
        return
    if isinstance(value, Listing) and value.more:
        write_note(
            invocation.stderr,
            f"the first {len(rows)} only: there are more, ask for them with --limit N or --all",
        )
    elif not rows:
        write_note(invocation.stderr, "none found")


def visible(text: str) -> str:
    """The text with control characters and direction marks escaped, harmless on any terminal."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def write_note(stderr: TextIO, text: str) -> None:
    """One line on stderr that is not the result."""
    stderr.write(f"{visible(text)}\n")


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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
        invocation.stderr.write(_json_line({"error": told}) + "\n")
        return
    invocation.stderr.write(f"error: {visible(error.message)}\n")
    if error.hint:
        invocation.stderr.write(f"hint: {visible(error.hint)}\n")


def write_changes(invocation: "Invocation", outcome: "Outcome[Any]") -> None:
    """What a dry run would have changed, on stderr."""
    changes = outcome.changes
    total = 0 if changes is None else changes.total
    write_note(invocation.stderr, f"dry run: {counted(total, 'row')} would change, nothing was changed")
    shown = () if changes is None else changes.shown[:SHOWN_CHANGES]
    for change in shown:
        write_note(invocation.stderr, f"  {_change_line(change)}")
    if total > len(shown):
        write_note(invocation.stderr, f"  and {total - len(shown)} more")
    for request in outcome.planned:
        write_note(invocation.stderr, f"  would send: {_json_line(dict(request))}")


def _change_line(change: "Change") -> str:
    derived = "" if change.origin == "statement" else f" ({change.origin})"
    line = f"{change.action} {change.table} {change.key}{derived}"
    if change.action != "update":
        return line
    before, after = change.before or {}, change.after or {}
    told = (f"{name}: {_cell(before.get(name))} -> {_cell(after.get(name))}" for name in after if name != "updated_at")
    return f"{line}: {', '.join(told)}"


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
    for name in chosen:
        if name.partition(".")[0] not in names:
            raise UsageError(f"no field {name!r}", f"fields: {', '.join(names)}")
    return chosen


def _builtins(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _select(row: Mapping[str, Any], chosen: Iterable[str]) -> dict[str, Any]:
    selected = {}
    for name in chosen:
        value: Any = row
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        selected[name] = value
    return selected


def _write(
    output: OutputFormat,
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    stdout: TextIO,
    *,
    single: bool,
) -> None:
    if output is OutputFormat.JSON:
        text = _json(rows[0] if single else rows, indent=2)
        # Line ends of the layout stay; inside values they are escaped already.
        stdout.write("\n".join(visible(line) for line in text.split("\n")) + "\n")
    elif output is OutputFormat.JSONL:
        stdout.writelines(_json_line(row) + "\n" for row in rows)
    elif output is OutputFormat.YAML:
        stdout.writelines(_yaml(dict(row) if single else [dict(row)]) for row in rows)
        if not rows:
            stdout.write("[]\n")
    elif output is OutputFormat.CSV:
        import csv

        writer = csv.writer(stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_guarded(row[name]) for name in names] for row in rows)
    elif output is OutputFormat.PLAIN:
        if single:
            stdout.writelines(f"{name}\t{visible(_cell(rows[0][name]))}\n" for name in names)
        else:
            stdout.writelines("\t".join(visible(_cell(row[name])) for name in names) + "\n" for row in rows)
    elif output is OutputFormat.MARKDOWN:
        _write_markdown(rows, names, stdout, single=single)
    else:
        _write_table(rows, names, stdout, single=single)


def _yaml(value: Any) -> str:
    """One document part. Where anything is unsafe, all that is not ASCII is escaped: YAML reads it back the same."""
    import yaml

    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    if _UNSAFE.search(text.replace("\n", "")):
        text = yaml.safe_dump(value, allow_unicode=False, sort_keys=False)
    return text


def _write_markdown(rows: Sequence[Mapping[str, Any]], names: Sequence[str], stdout: TextIO, *, single: bool) -> None:
    from tabulate import tabulate

    headers = ["field", "value"] if single else list(names)
    cells = [[name, rows[0][name]] for name in names] if single else [[row[name] for name in names] for row in rows]
    escaped = [[_markdown(cell) for cell in line] for line in cells]
    stdout.write(tabulate(escaped, headers, tablefmt="github", disable_numparse=True) + "\n")


def _write_table(rows: Sequence[Mapping[str, Any]], names: Sequence[str], stdout: TextIO, *, single: bool) -> None:
    if not rows:
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)
    table = Table(box=None if single else SIMPLE_HEAD, show_header=not single, pad_edge=False)
    if single:
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name in names:
            table.add_row(Text(name), Text(visible(_cell(rows[0][name]))))
    else:
        for name in names:
            right = all(isinstance(row[name], (int, float, type(None))) for row in rows)
            table.add_column(Text(name), overflow="ellipsis", no_wrap=True, justify="right" if right else "left")
        for row in rows:
            table.add_row(*(Text(visible(_cell(row[name]))) for name in names))
    console.print(table)


def _json(value: Any, **layout: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, **layout)


def _json_line(value: Any) -> str:
    return visible(_json(value))


def _cell(value: Any) -> str:
    """A value as text for people: nothing for NULL, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list, tuple)):
        return _json(value) if value else ""
    return str(value)


def _guarded(value: Any) -> str:
    """A CSV cell that no spreadsheet runs. Numbers and phone numbers stay as they are."""
    text = ("true" if value else "false") if isinstance(value, bool) else _cell(value)
    if isinstance(value, str) and text.startswith(_FORMULA_STARTS) and not _NUMBER_OR_PHONE.fullmatch(text):
        return f"'{text}"
    return text


def _markdown(value: Any) -> str:
    text = visible(_cell(value))
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text)
