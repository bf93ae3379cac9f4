"""The formats that people read: tables that fit the terminal, sections, Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

from cli.output.text import as_json, builtins_of, cell, counted, markdown_cell, parts, visible, visible_lines
from cli.output.widths import GAP, SHORTEST_TEXT, fit, without_empty

if TYPE_CHECKING:
    from rich.table import Table

    from platform_core.audit.types import Change
    from platform_core.bulk.types import ItemValue

Row = Mapping[str, Any]

# Columns are sized by this many rows; what comes later is cut to that width.
SIZED_BY = 500
# Whole words say more than a cut one here: these wrap.
PROSE = frozenset({"detail", "advice", "meaning", "line", "message"})
# Of one text where other fields stand beside it.
SHOWN_LINES = 40
SHOWN_CHARACTERS = 4000
CHANGED_CHARACTERS = 200
# Of emoji that are joined from several, one terminal makes two cells and another eight: rows would break.
_OF_UNSURE_WIDTH = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]|\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")
STYLES = {"suspended": "red", "failed": "red", "lost": "red", "no": "red", "pending": "magenta", "active": "green"}
STYLED = frozenset({"status", "state", "last_state", "ok"})


def write_table(
    rows: Iterable[Row],
    names: Sequence[str],
    stdout: TextIO,
    *,
    width: int,
    colour: bool = False,
    matters: Sequence[str] = (),
) -> list[str]:
    """Write a table no wider than the terminal.

    Args:
        rows: raw values, not yet text.
        names: the columns in order.
        stdout: where to.
        width: of the terminal, in cells.
        colour: whether headers and status words stand out.
        matters: the columns that give way last, the most important first; the first and the last where none is named.

    Returns:
        The columns that found no place, for a note.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    stream = iter(rows)
    sample = list(islice(stream, SIZED_BY))
    if not sample:
        return []
    texts = [[short(row[name]) for name in names] for row in sample]
    needs = [max(cell_len(name), *(cell_len(line[place]) for line in texts)) for place, name in enumerate(names)]
    texty = [any(isinstance(row[name], str) and not _is_word(row[name]) for row in sample) for name in names]
    empty = [not any(line[place] for line in texts) for place in range(len(names))]
    last = [names.index(name) for name in matters if name in names] or [0, len(names) - 1]
    shortest = [
        min(need, max(SHORTEST_TEXT, len(name))) if is_text else need
        for name, need, is_text in zip(names, needs, texty, strict=True)
    ]
    widths = fit(without_empty(needs, empty, width), shortest, width, last)
    kept = [place for place, given in enumerate(widths) if given]
    numeric = [_is_numeric([row[name] for row in sample]) for name in names]
    block, first = sample, True
    # A table holds its rows: a long one is written in blocks of the same widths.
    while block:
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold", show_header=first)
        for place in kept:
            wraps = names[place] in PROSE
            table.add_column(
                Text(visible(names[place])),
                width=widths[place],
                overflow="fold" if wraps else "ellipsis",
                no_wrap=not wraps,
                justify="right" if numeric[place] else "left",
            )
        for row in block:
            table.add_row(*(_styled(names[place], short(row[names[place]]), Text) for place in kept))
        _print(table, stdout, width, colour=colour)
        block, first = list(islice(stream, SIZED_BY)), False
    return [name for place, name in enumerate(names) if place not in kept]


def write_section(
    row: Row, names: Sequence[str], stdout: TextIO, *, width: int, colour: bool = False, cut: bool = True
) -> None:
    """Write one thing: a field a line, its name to the left; a long text only to be looked into, if `cut`."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name in names:
        text = whole(row[name])
        table.add_row(Text(visible(name)), _styled(name, _beginning(text, name) if cut else text, Text))
    _print(table, stdout, width, colour=colour)


def write_results(results: Iterable["ItemValue"], stdout: TextIO, *, width: int, colour: bool = False) -> None:
    """Write several things, each as a section; of one that could not be read, why."""
    between = ""
    for result in results:
        stdout.write(between)
        between = "\n"
        row: dict[str, Any] = {"item": result.item}
        if result.value is None:
            row |= {"status": result.status, "code": result.code, "message": result.message}
        else:
            row |= {field.name: getattr(result.value, field.name) for field in fields(result.value)}
        write_section(row, list(row), stdout, width=width, colour=colour)


def _print(table: "Table", stdout: TextIO, width: int, *, colour: bool) -> None:
    """Write a table. By ourselves: when the reader has gone away, Rich would end the process with a code of its own."""
    from rich.console import Console

    # Nothing is left to Rich's own guess, which FORCE_COLOR and the like would turn in a pipe, too.
    console = Console(
        file=stdout, width=width, highlight=False, markup=False, emoji=False, legacy_windows=False,
        force_terminal=colour, color_system="standard" if colour else None,
    )  # fmt: skip
    with console.capture() as captured:
        console.print(table)
    # Rich fills lines up with spaces, which would be copied along.
    stdout.write("\n".join(line.rstrip(" ") for line in captured.get().split("\n")))


def write_markdown(rows: Iterable[Row], names: Sequence[str], stdout: TextIO, *, single: bool) -> None:
    """Write a Markdown table: of fields and values for a single thing."""
    from tabulate import tabulate

    if single:
        lines = [[markdown_cell(name), markdown_cell(row[name])] for row in rows for name in names]
        stdout.write(tabulate(lines, ["field", "value"], tablefmt="github", disable_numparse=True) + "\n")
        return
    stream = iter(rows)
    lines = [[markdown_cell(row[name]) for name in names] for row in islice(stream, SIZED_BY)]
    stdout.write(
        tabulate(lines, [markdown_cell(name) for name in names], tablefmt="github", disable_numparse=True) + "\n"
    )
    stdout.writelines(f"| {' | '.join(markdown_cell(row[name]) for name in names)} |\n" for row in stream)


def short(value: Any) -> str:
    """A value in a table: times to the minute, ids by their ending, emoji without skin tones and joiners."""
    if isinstance(value, UUID):
        return f"…{str(value)[-8:]}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, str):
        value = value.rstrip("\n").replace("\n", "↵ ")
    return _OF_UNSURE_WIDTH.sub("", _text(value))


def whole(value: Any) -> str:
    """A value by itself: times to the second, with how long ago; lines, parts and entries one a line."""
    if isinstance(value, str):
        return visible_lines(value.replace("\r\n", "\n").rstrip("\n")).expandtabs(4)
    if (
        isinstance(value, (tuple, list))
        and value
        and all(isinstance(part, dict) or is_dataclass(part) for part in value)
    ):
        return "\n".join(visible(_part(part)) for part in value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({ago(moment)})"
    if isinstance(value, dict) and value:
        return "\n".join(visible(f"{name}: {cell(part)}") for name, part in builtins_of(value).items())
    return _text(value)


def ago(moment: datetime) -> str:
    """How far a moment is from now, in one unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    size = abs(seconds)
    for unit, length in (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3600), ("minute", 60)):
        if size >= length:
            number = int(size // length)
            told = f"{number} {unit}{'' if number == 1 else 's'}"
            return f"{told} ago" if seconds >= 0 else f"in {told}"
    return "just now"


def _part(part: Any) -> str:
    from platform_core.audit.types import Change

    if isinstance(part, Change):
        image = "" if part.action != "delete" else f": {as_json(part.before)}"
        forged = f" FORGED by {part.login} ({part.application})" if part.forged else ""
        return f"{change_line(part)}{image}{forged}"
    return parts(builtins_of(part))


def _beginning(text: str, name: str) -> str:
    """As much of a text as there is room for beside others; what is left out is counted."""
    shown = "\n".join(text.split("\n", SHOWN_LINES)[:SHOWN_LINES])[:SHOWN_CHARACTERS].rstrip()
    more = len(text) - len(shown)
    return f"{shown}\n… {counted(more, 'more character')}: --columns {name} shows all" if more > 0 else text


def change_line(change: "Change") -> str:
    """A changed row in one line: what was done to which, and the columns that differ."""
    derived = "" if change.origin == "statement" else f" ({change.origin})"
    line = f"{change.action} {change.table} {change.key}{derived}"
    if change.action != "update":
        return line
    before, after = change.before or {}, change.after or {}
    told = (f"{name}: {_changed(before, name)} -> {_changed(after, name)}" for name in after if name != "updated_at")
    return f"{line}: {', '.join(told)}"


def _changed(image: Mapping[str, Any], name: str) -> str:
    """A value of a changed row, cut: whole ones are in the formats for programs."""
    text = cell(image.get(name)).rstrip("\n").replace("\n", "↵ ")
    more = len(text) - CHANGED_CHARACTERS
    return text if more <= 0 else f"{text[:CHANGED_CHARACTERS]}… ({counted(more, 'more character')})"


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, (int, float, Decimal)) and value is not True for value in known)


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list, dict)) or is_dataclass(value):
        value = builtins_of(value)
    return visible(parts(value))


def _is_word(value: Any) -> bool:
    """Whether a text is one of few words, like a status, that must not be cut."""
    return isinstance(value, str) and len(value) <= SHORTEST_TEXT


def _styled(name: str, text: str, make: Any) -> Any:
    return make(text, style=STYLES.get(text, "") if name in STYLED else "")
