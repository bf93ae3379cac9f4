"""The formats that scripts read: JSON, JSON lines, CSV, YAML, tab-separated. Whole values, one row after the other."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TextIO

from cli.output.text import UNSAFE, Amount, as_json, cell, csv_cell, spreadsheet_cell, visible

Row = Mapping[str, Any]
_NEEDS_QUOTES = re.compile('[,"\r\n]')

_YAML_1_2_NUMBER = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?$|0o[0-7]+$")
_YAML_1_1_LETTER = re.compile(r"[yYnN]$")


def write_json(rows: Iterable[Row], stdout: TextIO, *, single: bool) -> None:
    """An object for a single thing, else an array whatever its length."""
    if single:
        stdout.writelines(as_json(row, indent=2) + "\n" for row in rows)
        return
    between = "[\n"
    for row in rows:
        stdout.write(between + "  " + as_json(row, indent=2).replace("\n", "\n  "))
        between = ",\n"
    stdout.write("[]\n" if between == "[\n" else "\n]\n")


def write_json_lines(rows: Iterable[Row], stdout: TextIO) -> None:
    """One object a line."""
    stdout.writelines(as_json(row) + "\n" for row in rows)


def write_yaml(rows: Iterable[Row], stdout: TextIO, *, single: bool) -> None:
    """A mapping for a single thing, else a sequence whatever its length."""
    empty = True
    for row in rows:
        empty = False
        stdout.write(_yaml(dict(row) if single else [dict(row)]))
    if empty:
        stdout.write("[]\n")


def write_csv(rows: Iterable[Row], names: Sequence[str], stdout: TextIO, *, exact: bool = False) -> None:
    """A header, then a line a row; text that a spreadsheet would run gets a leading apostrophe, unless exact."""
    as_text = csv_cell if exact else spreadsheet_cell
    # CSV has no escapes for control characters: only where a person looks, and no program, are they changed.
    shown = visible if stdout.isatty() else str
    stdout.write(_csv_line([shown(name) for name in names]))
    for row in rows:
        cells = (as_text(row[name]) for name in names)
        stdout.write(_csv_line([None if cell is None else shown(cell) for cell in cells]))


def _csv_line(cells: Sequence[str | None]) -> str:
    """As PostgreSQL writes it: nothing for NULL, and "" for an empty text, which the library does not tell apart."""
    if cells == [None]:
        return '""\n'
    return ",".join("" if cell is None else _quoted(cell) for cell in cells) + "\n"


def _quoted(text: str) -> str:
    if text and not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def write_plain(rows: Iterable[Row], names: Sequence[str], stdout: TextIO, *, single: bool) -> None:
    """Tab-separated, without a header: a line a row; for a single thing a line a field, with its name."""
    for row in rows:
        if single:
            stdout.writelines(f"{visible(name)}\t{visible(cell(row[name]))}\n" for name in names)
        else:
            stdout.write("\t".join(visible(cell(row[name])) for name in names) + "\n")


def _yaml(value: Any) -> str:
    """Where anything is unsafe, all that is not ASCII is escaped: YAML reads it back the same."""
    import yaml

    layout: dict[str, Any] = {"sort_keys": False, "width": float("inf")}
    text: str = yaml.dump(value, Dumper=_yaml_dumper(), allow_unicode=True, **layout)
    if UNSAFE.search(text.replace("\n", "")):
        text = yaml.dump(value, Dumper=_yaml_dumper(), allow_unicode=False, **layout)
    return text


@cache
def _yaml_dumper() -> Any:
    """PyYAML's own, which speaks YAML 1.1, but texts that other readers take for numbers or yes and no are quoted."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Leaves the resolvers of PyYAML's own dumper as they are."""

    Dumper.add_representer(Amount, Dumper.represent_dict)
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _YAML_1_2_NUMBER, list("+-.0123456789"))
    Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", _YAML_1_1_LETTER, list("yYnN"))
    return Dumper
