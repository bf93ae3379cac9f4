"""A whole API key that somebody gives where its beginning belongs is repeated nowhere, and goes on no record."""

import json
from pathlib import Path

import pytest

from platform_core.keys.format import generate
from platform_core.keys.types import Environment
from platform_core.masking import without_keys
from tests.conftest import Agentadm
from tests.support import Database

FOREIGN = "sk_prod_4eC39HqLyjWDarjtT1zdp7dc"
LIVE = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
WHOLE = generate(Environment.LIVE)
START = f"{WHOLE[:14]}…"


def is_nowhere(database: Database, *texts: str) -> None:
    for text in (*texts, database.dump()):
        assert WHOLE[:20] not in text
        assert FOREIGN[:17] not in text


@pytest.fixture
def start(agentadm: Agentadm) -> str:
    assert agentadm("users", "create", "ada@example.com").code == 0
    made = agentadm("keys", "create", "ada@example.com", "--columns", "key,display_start", "-o", "json")
    found: str = made.json["display_start"]
    return found


@pytest.mark.parametrize("more", [(), ("--atomic",), ("--dry-run",), ("--idempotency-key", "k")])
@pytest.mark.parametrize("as_arguments", [True, False])
def test_an_item_is_shown_by_its_beginning(
    database: Database, agentadm: Agentadm, start: str, tmp_path: Path, more: tuple[str, ...], as_arguments: bool
) -> None:
    items = [start, WHOLE, WHOLE[:-3], FOREIGN]
    results = tmp_path / "results.jsonl"
    argv = ("keys", "revoke", *(items if as_arguments else ["-"]), "--yes", "-o", "json", "--debug", *more)
    kept = () if more == ("--dry-run",) else ("--results", str(results))
    done = agentadm(*argv, *kept, stdin="" if as_arguments else "\n".join(items))
    assert done.code == (2 if "--atomic" in more else 7), done.err
    assert [row["item"] for row in done.json] == [start, START, START, "sk_prod_…"]
    if "--atomic" not in more:
        assert {row["code"] for row in done.json[1:]} == {2}
        assert all("may be a whole key" in row["message"] for row in done.json[1:])
    is_nowhere(database, done.out, done.err, results.read_text() if kept else "")


def test_an_item_of_json_lines_and_a_question_show_the_beginning(
    database: Database, agentadm: Agentadm, start: str
) -> None:
    done = agentadm("keys", "show", "-", "-o", "json", stdin=json.dumps({"id": WHOLE}))
    assert [row["item"] for row in done.json] == [START]
    asked = agentadm("keys", "revoke", start, WHOLE, stdin="n\n", terminal=True)
    assert START in asked.err
    is_nowhere(database, done.out, done.err, asked.err, asked.out)


@pytest.mark.parametrize(
    "argv",
    [
        ("users", "show", WHOLE),
        ("users", "show", WHOLE, "-o", "json"),
        ("users", "show", WHOLE, WHOLE),
        ("users", "suspend", WHOLE, "--yes", "--debug"),
        ("users", "why", "ada@example.com", "--key", WHOLE),
        ("users", "suspend", "ada@example.com", "--yes", "--reason", f"found {WHOLE} on a wiki"),
        ("users", "suspend", "ada@example.com", "--yes", "--ticket", WHOLE),
        ("users", "list", "--where", f"username={WHOLE}"),
        ("keys", "create", "ada@example.com", "--name", WHOLE),
        ("keys", "update", "x", "--scope", WHOLE),
        ("keys", "verify", "--from", WHOLE),
        ("keys", WHOLE),
        (WHOLE,),
        ("help", WHOLE),
        ("users", "list", f"--{WHOLE}"),
        ("users", "list", "--limit", WHOLE),
        ("users", "list", "-o", WHOLE),
        ("limits", "show", "--user", WHOLE),
        ("agents", "create", "X", "--team", WHOLE),
    ],
    ids=lambda argv: " ".join(argv).replace(WHOLE, "KEY"),
)
def test_an_argument_is_neither_repeated_nor_recorded(
    database: Database, agentadm: Agentadm, start: str, argv: tuple[str, ...]
) -> None:
    done = agentadm(*argv)
    assert done.code in {2, 5}
    is_nowhere(database, done.out, done.err)


@pytest.mark.parametrize("key", [WHOLE, WHOLE[:-3], LIVE], ids=["whole", "cut", "foreign"])
@pytest.mark.parametrize("argv", [("agents", "show"), ("agents", "export"), ("runs", "show"), ("audit", "show")])
def test_what_is_revealed_goes_on_record_without_a_key(
    database: Database, agentadm: Agentadm, argv: tuple[str, ...], key: str
) -> None:
    mark = database.mark()
    done = agentadm(*argv, key, "--reveal", "--reason", "asked", "-o", "json")
    assert (done.code, done.out) == (2, "")
    assert "may be a whole key" in done.err
    assert "give its beginning" in done.err
    assert database.written_since(mark) == []
    assert key[:17] not in done.err + database.dump()


def test_what_is_no_key_stays_as_it_is() -> None:
    for text in ("aa_live_7Hq2Lm", "aa_live_", "aa_beta_0123456789abcdef", "user_2aA_live_x", "ada@example.com"):
        assert without_keys(text) == text
    assert without_keys(f"<{WHOLE}> {WHOLE[:30]}") == f"<{START}> {START}"
