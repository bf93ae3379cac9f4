"""What people see, kept as text under __snapshots__: look at a change there as a user would.

Changed on purpose: python -m pytest tests/cli/test_screens.py -n 0 --snapshot-update
"""

import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.conftest import Agentadm
from tests.support import Database, Result, run

CLOCK = {"AGENTADM_CLOCK": "2026-11-01T12:00:00Z"}
PATIENT = {"COLUMNS": "80", "TERM": "xterm-256color", **CLOCK}
# Of the run, not of the screen: keys made now, and how long ago it is by the real clock.
KEYS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
ENDINGS = re.compile(r"…[0-9a-f]{8}")
# What a slow machine shows for a while, and takes away.
PROGRESS = re.compile(r"(\r[^\r\n\x1b]*)*\r\x1b\[K")
AGO = re.compile(r"\((in )?\d+ \w+( ago)?\)|\(just now\)")
LOGIN = re.compile(r"(?m)^(os_user|host)( +)\S+ *$")
WIDE = (
    ("wide@example.com", "Maximiliane " + "Wolfeschlegelsteinhausenbergerdorff " * 8),
    ("tanaka@example.com", "田中 美咲"),
    ("noor@example.com", "نور الهدى"),
    ("rocket@example.com", "🚀 Ada 👩‍🚀"),
    ("red@example.com", "[red]x[/red]"),
    (f"{'long.' * 12}name@{'sub.' * 50}example.com", "A long address"),
)


class Screens(SingleFileSnapshotExtension):
    """A text file a screen."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def screens(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Screens)


def screen(done: Result) -> str:
    text = f"{done.out}-- stderr, exit code {done.code}\n{PROGRESS.sub('', done.err)}"
    text = ENDINGS.sub("…00000000", KEYS.sub("00000000-0000-7000-8000-000000000000", text))
    return LOGIN.sub(r"\1\2(whoever)", AGO.sub("(some time ago)", text)).replace("\x1b", "␛")


LOOKS = {
    "help": ("--help",),
    "help of a noun": ("users", "--help"),
    "help of a verb": ("users", "suspend", "--help"),
    "help topics": ("help",),
    "users list, many": ("users", "list", "--limit", "12"),
    "users list, one": ("users", "list", "--where", "email=ada@example.com"),
    "users list, none": ("users", "list", "--where", "email=nobody@example.com"),
    "users list, columns": ("users", "list", "--limit", "3", "--columns", "email,role,created_at"),
    "users show": ("users", "show", "ada@example.com"),
    "users suspend, several": ("users", "suspend", "ada@example.com", "grace@example.com", "nobody@example.com", "-n"),
    "users show, several": ("users", "show", "ada@example.com", "nobody@example.com"),
    "users suspend, dry run": ("users", "suspend", "ada@example.com", "--reason", "chargeback", "--dry-run"),
    "keys list": ("keys", "list", "--limit", "4"),
    "agents list": ("agents", "list", "--limit", "4"),
    "agents show": ("agents", "show", "platform/anaya"),
    "runs list": ("runs", "list", "--limit", "4"),
    "limits list": ("limits", "list"),
    "plans show": ("plans", "show", "pro"),
    "error, a slip": ("users", "show", "ada@exampel.com"),
    "error, a field": ("users", "list", "--where", "emial=x"),
    "error, a verb": ("users", "lst"),
}


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", LOOKS)
def test_looking(
    company: Database,
    screens: SnapshotAssertion,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    width: int,
) -> None:
    # Help is Typer's: it goes to the process's own streams, and asks its own environment.
    monkeypatch.setenv("COLUMNS", str(width))
    done = run(LOOKS[name], {**company.environ, **CLOCK, "COLUMNS": str(width)}, terminal=True)
    assert screen(replace(done, out=done.out + capsys.readouterr().out)) == screens


@pytest.mark.parametrize("width", [80, 140])
def test_wide_names(agentadm: Agentadm, database: Database, screens: SnapshotAssertion, width: int) -> None:
    for email, name in WIDE:
        database.execute("INSERT INTO agentadm.users (email, full_name) VALUES (%s, %s)", email, name)
    environ = {**CLOCK, "COLUMNS": str(width)}
    shown = agentadm(
        "users", "list", "--columns", "email,full_name,status", "--sort", "email", env=environ, terminal=True
    )
    assert screen(shown) == screens


@pytest.mark.parametrize("width", [80, 140])
def test_the_audit(agentadm: Agentadm, database: Database, screens: SnapshotAssertion, width: int) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    environ = {**CLOCK, "COLUMNS": str(width)}
    told = ("--reason", "chargeback", "--ticket", "T-1", "--yes")
    assert agentadm("users", "suspend", "ada@example.com", *told, env=environ).code == 0
    operation = database.value("SELECT id::text FROM agentadm.operations WHERE command = 'users suspend'")
    listed = agentadm("audit", "list", "--command", "users suspend", env=environ, terminal=True)
    shown = agentadm("audit", "show", operation, env=environ, terminal=True)
    assert f"{screen(listed)}\n{screen(shown)}" == screens


@pytest.mark.parametrize("name", ["users list, many", "users show"])
def test_colours_carry_meaning_and_suit_dark_and_light(
    company: Database, screens: SnapshotAssertion, name: str
) -> None:
    done = run(LOOKS[name], {**company.environ, **PATIENT}, terminal=True)
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", done.out))
    # Bold, dim, red, green, magenta: none vanishes on white or on black, and no background is set.
    assert codes <= {"0", "1", "2", "31", "32", "35"}
    assert screen(done) == screens


@pytest.mark.parametrize("answer", ["y\n", "n\n"], ids=["yes", "no"])
def test_a_question(agentadm: Agentadm, database: Database, screens: SnapshotAssertion, answer: str) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    argv = ("users", "suspend", "ada@example.com", "--columns", "email,status")
    done = agentadm(*argv, stdin=answer, env={**CLOCK, "COLUMNS": "80"}, terminal=True)
    assert screen(done) == screens
