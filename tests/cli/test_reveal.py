"""What is masked is unreadable in every format, until --reveal, which goes on record first."""

import sys
from dataclasses import dataclass, field, replace
from types import ModuleType

import pytest

from cli import main
from cli.context import Context
from cli.output import Listing
from cli.registry import Noun
from cli.shared import OutputFormat
from platform_core.bulk.types import ItemValue
from platform_core.db.schema import care_of
from platform_core.masking import MASKED, has_masks, masked, with_masks
from platform_core.users.tables import users
from tests.conftest import Agentadm
from tests.support import Database

PHONE = "+49 171 5550167"
CONTENT = "dear diary"


@dataclass(frozen=True)
class Contact:
    """A stand-in for what later nouns hold."""

    name: str
    phone: str | None = field(metadata=MASKED)


@dataclass(frozen=True)
class Conversation:
    title: str
    contacts: tuple[Contact, ...]
    first_message: str = field(metadata=MASKED)


TALK = Conversation("Hello", (Contact("Ada", PHONE), Contact("Bob", None)), CONTENT)


@pytest.fixture
def talks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A noun with such an answer, and the full names of users masked in the audit."""
    noun = Noun("talks", "Talks.")

    @noun.command("show", masks=True, example="agentadm talks show")
    def show(ctx: Context) -> Conversation:
        """Show one."""
        return ctx.read(lambda _services: TALK)

    @noun.command("list", masks=True, example="agentadm talks list")
    def list_talks(ctx: Context) -> Listing[Conversation]:
        """List them."""
        return Listing(iter((ctx.read(lambda _services: TALK),)))

    module = ModuleType("cli.talks")
    module.noun = noun  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "cli.talks", module)
    monkeypatch.setitem(main.NOUNS, "talks", "Talks.")
    monkeypatch.setitem(users.info, "care", replace(care_of(users), masked=("full_name",)))


def revealed(database: Database) -> list[tuple[object, ...]]:
    return database.rows(
        "SELECT command, reason, ticket FROM agentadm.operations WHERE arguments ? 'reveal' ORDER BY seq"
    )


@pytest.mark.usefixtures("talks")
@pytest.mark.parametrize("verb", ["show", "list"])
@pytest.mark.parametrize("output", list(OutputFormat))
def test_nothing_of_it_is_shown_in_any_format(
    database: Database, agentadm: Agentadm, output: OutputFormat, verb: str
) -> None:
    done = agentadm("talks", verb, "-o", output)
    assert done.code == 0, done.err
    assert "Hello" in done.out
    for secret in (PHONE, "171", CONTENT, "diary"):
        assert secret not in done.out + done.err
    assert revealed(database) == []


@pytest.mark.usefixtures("talks")
@pytest.mark.parametrize("verb", ["show", "list"])
def test_reveal_shows_it_and_goes_on_record(database: Database, agentadm: Agentadm, verb: str) -> None:
    done = agentadm("talks", verb, "--reveal", "--reason", "the police asks", "--ticket", "T-1", "-o", "json")
    assert done.code == 0, done.err
    found = done.json if verb == "show" else done.json[0]
    assert found["first_message"] == CONTENT
    assert [contact["phone"] for contact in found["contacts"]] == [PHONE, None]
    assert revealed(database) == [(f"talks {verb}", "the police asks", "T-1")]
    assert "on record" in done.err


@pytest.mark.usefixtures("talks")
def test_without_a_record_nothing_is_shown(database: Database, agentadm: Agentadm) -> None:
    database.execute("ALTER TABLE agentadm.operations RENAME TO gone", user="postgres")
    done = agentadm("talks", "show", "--reveal")
    assert done.code != 0
    assert done.out == ""
    database.execute("ALTER TABLE agentadm.gone RENAME TO operations", user="postgres")
    dry = agentadm("talks", "show", "--reveal", "--dry-run")
    assert (dry.code, dry.out) == (2, "")
    assert revealed(database) == []


def test_a_command_that_masks_nothing_takes_no_reveal(agentadm: Agentadm) -> None:
    for argv in (
        ("--reveal", "users", "list"),
        ("users", "list", "--reveal"),
        ("--reveal", "users", "create", "a@b.c"),
    ):
        done = agentadm(*argv)
        assert (done.code, done.out) == (2, "")
        assert "--reveal" in done.err


@pytest.mark.usefixtures("talks")
def test_the_audit_and_dry_runs_mask_columns(database: Database, agentadm: Agentadm) -> None:
    database.execute("INSERT INTO agentadm.users (email, full_name) VALUES ('a@example.com', 'Ada Lovelace')")
    operation = str(database.value("SELECT id FROM agentadm.operations WHERE command = 'outside'"))
    database.execute("UPDATE agentadm.users SET full_name = 'Ada King'")
    latest = str(database.value("SELECT id FROM agentadm.operations ORDER BY seq DESC LIMIT 1"))
    assert operation != latest
    shown = agentadm("audit", "show", latest, "-o", "json")
    assert shown.json["changes"][0]["before"]["full_name"] == "***"
    dry = agentadm("audit", "undo", latest, "--dry-run", "--yes")
    assert "full_name: *** -> ***" in dry.err
    assert "Lovelace" not in shown.out + dry.out + dry.err
    whole = agentadm("audit", "show", latest, "--reveal", "-o", "json")
    assert whole.json["changes"][0]["before"]["full_name"] == "Ada Lovelace"
    assert revealed(database) == [("audit show", None, None)]


def test_a_read_that_reveals_takes_what_goes_on_record_and_no_guard(database: Database, agentadm: Agentadm) -> None:
    operation = str(database.value("SELECT id FROM agentadm.operations LIMIT 1"))
    show = ("audit", "show", operation, "--reveal")
    assert agentadm(*show, "--reason", "x", "--ticket", "T").code == 0
    for option in (("--expect", "5"), ("--idempotency-key", "k"), ("--error-unchanged",)):
        assert agentadm(*show, *option).code == 2


def test_a_signal_after_the_record_is_one_during_a_read(agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("platform_core.db.reading.Reader.read", interrupt)
    done = agentadm("audit", "show", "01930000-0000-7000-8000-000000000000", "--reveal")
    assert done.code == 130
    assert "already" not in done.err


def test_what_a_mask_leaves() -> None:
    assert masked(PHONE) == "***67"
    assert [masked(value) for value in (None, "", "short", CONTENT, 5, {"a": 1}, "4929123456781234")] == [
        None,
        *["***"] * 6,
    ]
    assert with_masks({"a": [Contact("Ada", PHONE)]}) == {"a": [Contact("Ada", "***67")]}
    item = ItemValue("a", "done", 0, None, TALK)  # type: ignore[arg-type] # its status matters to nobody here
    assert CONTENT not in repr(with_masks(item))
    assert with_masks((Contact("Ada", PHONE),)) == (Contact("Ada", "***67"),)
    assert has_masks(Listing[Conversation])
    assert not has_masks(Listing[ItemValue])
