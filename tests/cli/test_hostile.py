"""Hostile text in every format: nothing that a terminal, a spreadsheet, YAML or Markdown obeys, and nothing lost."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from psycopg.types.json import Jsonb
from rich.cells import cell_len

from cli.output.machine import write_csv
from cli.output.people import short
from cli.output.text import UNSAFE, spreadsheet_cell, unguarded_cell, visible
from cli.shared import OutputFormat
from tests.support import Cluster, Database, Result, run

FIXED = (
    "[red]x[/]", "[link=https://evil.example]x", "[bold", "[/]", "\\[red]x[/]", ":smile:", "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\", "\x1bPq\x1b\\", "\x9b2J", "\x9d0;x\x9c",
    "\x85", "a\nb", "a\r\nb", "a\rb", "a\tb", "\x08\x08", "\x7f", "\x01\x02\x03", "\x0b\x0c", "\x1c\x1d\x1e\x1f",
    "\u202egnol\u202c", "\u2066a\u2069\u2067b\u2069\u2068c", "\u200e\u200f\u061c", "a\u2028b\u2029c", "נור שלום",
    "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪", "e\u0301\u0327" + "\u0300" * 30, "田中 美咲", "\ufeff", "\u200b", "\u00ad", "x" * 10_000,
    "\\u001b", " a ", "", "\u00a0", "\ufffe\uffff", "\U0010ffff",
    "yes", "no", "y", "null", "1e3", "0x1f", "0o17", "0b1", "1_000", "12:30:45", ".inf", ".nan", "-.5", "~",
    "2026-01-01", "2026-01-01T00:00:00Z", ": ", "- ", "a: b", "- a", "#", "a #b", "<<", "=", "!!str a", "&a", "*a",
    "---", "%YAML", "...", "? a", "| a", "> a", "@a", "`a`", "{a: 1}", "[a]", "'", '"', '""', "''", "a,b", "a;b", 'a"b',
    "\\", "\\.", "\\N", "\\n", "NULL", "|", "a|b", "a\\|b", "**a**", "_a_", "~~a~~", "[a](javascript:x)", "![a](x)",
    "<b>x</b>", "<script>", "&lt;b&gt;", "&#x202e;x", "&amp;", "# a", "* a", "1. a", "$x$", "https://evil.example",
    "{a}\u2028: b", "word " * 60, " \n a\n\n", "\n- a: b\n  c\n", "a \nb" + " c" * 60 + "\x85", "a'\u2028 b" * 20,
    "=1+1", "=cmd()|' /C calc'!A0", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1", "'", "'a", "-5",
    "+49 170 123", "'-5", "-5e3", "=", "+", "-", "@", "'+", "-1\n", "--1", "=a,b", '="a"', "'\t", "👩🏽‍💻" * 99,
)  # fmt: skip
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | st.sampled_from(FIXED)
HOSTILE = ANY | st.lists(st.sampled_from(FIXED), max_size=4).map("".join)
BATCHES = st.lists(HOSTILE, min_size=20, max_size=50)
E_MAILS = ("=cmd()|x@evil.example", "[red]x[/]@a.io", "\u202e@a.io", "-x@a.io", "'=x@a.io", "|@`.io")


class Reader(yaml.SafeLoader):
    """Reads as YAML 1.1, and takes for numbers and truth also what readers of YAML 1.2 and others do."""


for tag, form in (("float", r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), ("int", "0o[0-7]+$"), ("null", "[yYnN]$")):
    Reader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(form), list("-+0123456789yYnN"))
STRUCTURED: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.split("\n")[:-1]],
    "yaml": lambda text: yaml.load(text, Reader),  # noqa: S506 - it is a safe one
}
UNCUT = 200_000  # a width at which no table cuts anything


def by_batch(test: Callable[..., None]) -> Callable[..., None]:
    """Run it with the fixed texts, and with a few batches that are made up."""
    quick = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
    return quick(example(list(FIXED))(given(BATCHES)(test)))


def is_obeyed(character: str) -> bool:
    """Whether a terminal may do something other than show it."""
    turns = unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return turns or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in "\u200e\u200f\u061c"


def assert_harmless(done: Result, *, tabs: bool = False) -> None:
    assert {*filter(is_obeyed, {*done.out, *done.err})} <= ({"\n", "\t"} if tabs else {"\n"})
    assert "Traceback" not in done.err


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run a cell: neither a number nor a phone number."""
    return cell.startswith(tuple("=+-@\t\r\n")) and not re.fullmatch(r"[+-][\d ().,/eE+-]+", cell, re.ASCII)


def cells_at_most(line: str) -> int:
    """How wide a line is on a terminal that puts no emoji together."""
    return sum(2 if "\U0001f3fb" <= character <= "\U0001f3ff" else cell_len(character) for character in line)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@dataclass(frozen=True)
class Crowd:
    """Users of hostile names, in one database."""

    database: Database

    def fill(self, names: Sequence[str]) -> None:
        emails = [*E_MAILS, *(f"u{number}@example.com" for number in range(6, len(names)))][: len(names)]
        self.database.execute("DELETE FROM agentadm.users")
        self.database.execute(
            "INSERT INTO agentadm.users (email, full_name, created_at) SELECT email, name, '2026-01-01'::timestamptz"
            " - n * interval '1 day' FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS given (email, name, n)",
            emails, list(names),
        )  # fmt: skip

    def __call__(self, *argv: str, code: int = 0, width: int = UNCUT, **streams: Any) -> Result:
        done = run(argv, {**self.database.environ, "COLUMNS": str(width)}, **streams)
        assert done.code == code, (argv, done.err)
        return done


@pytest.fixture(scope="module")
def crowd(cluster: Cluster, template: Database) -> Iterator[Crowd]:
    clone = cluster.database(template.name)
    yield Crowd(clone)
    cluster.drop(clone)


def in_every_format(crowd: Crowd, *argv: str, stdin: str = "", code: int = 0) -> dict[str, str]:
    """What each format writes into a pipe. On a terminal all are harmless, in a pipe all but CSV, which is data."""
    told = {}
    for output in OutputFormat:
        done = crowd(*argv, "-o", output, stdin=stdin, code=code)
        shown = crowd(*argv, "-o", output, stdin=stdin, code=code, terminal=True)
        for result in (shown,) if output is OutputFormat.CSV else (done, shown):
            assert_harmless(result, tabs=output is OutputFormat.PLAIN)
        told[str(output)] = done.out
    return told


def read_back(told: dict[str, str], *, single: bool = False) -> list[Any]:
    """The value that each of JSON, JSON lines and YAML holds."""
    values = (load(told[output]) for output, load in STRUCTURED.items())
    return [value[0] if single and isinstance(value, list) else value for value in values]


def test_what_is_escaped_is_what_a_terminal_obeys() -> None:
    for number in range(0x110000):
        assert bool(UNSAFE.match(chr(number))) == is_obeyed(chr(number)), hex(number)


@by_batch
def test_a_list(crowd: Crowd, names: list[str]) -> None:
    crowd.fill(names)
    call = ("users", "list", "--limit", "999", "--columns", "email,full_name,role")
    told = in_every_format(crowd, *call)
    assert all([row["full_name"] for row in rows] == names for rows in read_back(told))
    for output in ("json", "jsonl", "csv"):
        assert crowd(*call, "--all", "-o", output).out == told[output]
        assert_harmless(crowd(*call, "--all", "-o", output, terminal=True))
    rows = zip(re.split("^- ", told["yaml"], flags=re.MULTILINE)[1:], names, strict=True)
    assert all(row.count("\n") == 3 or "\n" in name for row, name in rows)
    guarded = read_csv(told["csv"])
    assert [unguarded_cell(row["full_name"]) for row in guarded] == names
    assert tuple(unguarded_cell(row["email"]) for row in guarded[: len(E_MAILS)]) == E_MAILS
    assert not any(is_formula(cell) for row in guarded for cell in row.values())
    assert crowd(*call, "-o", "csv", terminal=True).out.count("\n") == len(names) + 1
    exact = crowd(*call, "--all", "-o", "csv", "--exact").out
    assert exact == crowd(*call, "-o", "csv", "--exact").out
    assert_harmless(crowd(*call, "--all", "-o", "csv", "--exact", terminal=True))
    assert [row["full_name"] for row in read_csv(exact)] == names
    assert [line.split("\t")[1] for line in told["plain"].split("\n")[:-1]] == [visible(name) for name in names]
    assert all(short(name).strip() in line for line, name in zip(told["table"].split("\n")[1:], names, strict=False))
    narrow = crowd(*call, "-o", "table", terminal=True, width=80)
    assert [cells_at_most(line) <= 80 for line in narrow.out.split("\n")] == [True] * (len(names) + 2)
    assert shown_cells(told["markdown"])[1::3] == [visible(name).strip() for name in names]


def shown_cells(markdown: str, opens: str = "td_open") -> list[str]:
    """The cells of a Markdown table, as a reader of its page sees them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    assert {token.type for token in tokens if token.level == 0} == {"table_open", "table_close"}
    inlines = [token.children or [] for before, token in pairwise(tokens) if re.fullmatch(opens, before.type)]
    assert {part.type for parts in inlines for part in parts} <= {"text", "text_special"}
    return ["".join(part.content for part in parts) for parts in inlines]


@by_batch
def test_users_one_by_one_and_together(crowd: Crowd, names: list[str]) -> None:
    crowd.fill(names)
    columns = ("first_name", "last_name", "avatar_url", "suspended_reason", "full_name")
    crowd.database.execute(
        f"UPDATE agentadm.users SET ({', '.join(columns)}, status, metadata) = (%s, %s, %s, %s, %s, 'suspended', %s)"
        " WHERE email = %s",
        *names[:5], Jsonb({name: name for name in names}), "u19@example.com",
    )  # fmt: skip
    told = in_every_format(crowd, "users", "show", "u19@example.com")
    for user in read_back(told, single=True):
        assert [user[column] for column in columns] == names[:5]
        assert user["metadata"] == {name: name for name in names}
    assert [unguarded_cell(read_csv(told["csv"])[0][column]) for column in columns] == names[:5]
    assert told["markdown"].count("\n") == told["plain"].count("\n") + 2
    assert all(f"{column}\t{visible(name)}\n" in told["plain"] for column, name in zip(columns, names, strict=False))
    some = "".join(f"u{number}@example.com\n" for number in range(7, 18))
    for items in read_back(in_every_format(crowd, "users", "show", "-", stdin=some)):
        assert [item["value"]["full_name"] for item in items] == names[7:18]


@by_batch
def test_references_that_name_nobody(crowd: Crowd, names: list[str]) -> None:
    crowd.fill(["Ada"])
    for name in {*names[::5]} - {"", "-"}:
        people = crowd("users", "show", "--", name, terminal=True, code=5)
        assert people.err.startswith(f"error: no user {visible(repr(name))}\nhint: ")
        machine = crowd("users", "show", "-o", "json", "--", name, code=5)
        assert json.loads(machine.err)["error"]["message"] == f"no user {name!r}"
        asked = crowd("users", "suspend", "--", name, stdin="n\n", terminal=True, code=8)
        assert asked.err.startswith(f"users suspend {visible(name)} on test? [y/N] ")
        assert_harmless(Result(0, people.out + machine.out + asked.out, people.err + machine.err + asked.err))
    for lines in (names[::9], [json.dumps({"id": name}) for name in names[::9]]):
        in_every_format(crowd, "users", "show", "-", stdin="\n".join((E_MAILS[0], "nobody", *lines)), code=7)


@by_batch
def test_a_change_and_its_record(crowd: Crowd, names: list[str]) -> None:
    crowd.fill(names)
    for place, reason in enumerate(("|".join(names), names[-4] or "x"), 10):
        suspend = ("users", "suspend", f"u{place}@example.com", f"--reason={reason}", "--yes")
        assert_harmless(would := crowd(*suspend, "--dry-run", terminal=True))
        # Notes fit the terminal, and show the beginning of a long value.
        beginning = visible(reason[:100].rstrip("\n").replace("\n", "↵ "))
        assert " ".join(f"suspended_reason: -> {beginning}".split()) in " ".join(would.err.split())
        told = in_every_format(crowd, "audit", "show", crowd(*suspend).err.split()[1].strip(":"))
        for shown in read_back(told, single=True):
            assert shown["reason"] == shown["changes"][0]["after"]["suspended_reason"] == reason
        assert unguarded_cell(read_csv(told["csv"])[0]["reason"]) == reason
    in_every_format(crowd, "audit", "list", "--limit", "3")


@pytest.mark.parametrize("text", ["a\0b", "\0", "\udcff", "a\ud800@a.io"])
def test_what_is_no_text_is_wrong_usage(crowd: Crowd, text: str) -> None:
    in_every_format(crowd, "users", "show", "-", stdin=f"{text}\n{json.dumps({'id': text})}\n", code=2)
    for argv in (
        ("users", "show", text),
        ("users", "show", text, text),
        ("users", "create", "--full-name", text, "a@a.io"),
    ):
        in_every_format(crowd, *argv, code=2)


def test_a_column_of_hostile_name(crowd: Crowd) -> None:
    crowd.fill(["Ada"])
    column = "email.\x1b[31m|\u202e[red]x[/]"
    for argv in (("users", "list"), ("users", "show", E_MAILS[0])):
        told = in_every_format(crowd, *argv, "--columns", f"role,{column},status")
        assert visible(column) in shown_cells(told["markdown"], "t[hd]_open")


@given(st.text(st.sampled_from("'=+-@\t\r\n0 ,.\"ae"), max_size=8) | st.text())
def test_the_guard_comes_off_exactly(text: str) -> None:
    write_csv([{"cell": text}], ["cell"], stream := io.StringIO())
    written = read_csv(stream.getvalue())[0]["cell"]
    assert (written, unguarded_cell(written)) == (spreadsheet_cell(text), text)
    assert not is_formula(written)
