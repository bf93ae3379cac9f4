"""Models: values, codes, streams, the row in the audit, and that the key of one never comes out."""

import json
from typing import Any

import pytest

from tests.conftest import Agentadm
from tests.outcomes import audited, done, refused, undo
from tests.support import Database, run

KEY = "sk-abcDEF0123456789"
OTHER = "sk-another-key-of-theirs"
CREATE = ["models", "create", "GPT-4o mini", "--provider", "openai", "--model-id", "gpt-4o-mini"]


def create(agentadm: Agentadm, *argv: str, key: str | None = KEY) -> Any:
    given = ["--api-key-stdin"] if key is not None else []
    return done(agentadm(*CREATE, *given, *argv, "-o", "json", stdin=f"{key}\n" if key is not None else ""))


def everything(database: Database) -> str:
    return database.dump("--data-only")


def stored(database: Database) -> Any:
    return database.value("SELECT api_key FROM agentadm.ai_models")


def test_create_encrypts_the_key_and_shows_it_nowhere(database: Database, agentadm: Agentadm) -> None:
    made = create(agentadm, "--config", '{"maxTokens": 2048, "temperature": 0.7}')
    assert (made["name"], made["provider"], made["model_id"]) == ("GPT-4o mini", "openai", "gpt-4o-mini")
    assert (made["has_key"], made["key_version"], made["is_active"]) == (True, 1, True)
    assert made["config"] == {"maxTokens": 2048, "temperature": 0.7}
    assert "api_key" not in made
    assert stored(database).startswith("1:gAAAA")
    assert KEY not in everything(database)
    assert audited(database, "models create") == [("ai_models", "insert", "statement")]
    for form in ("table", "plain", "json", "csv", "yaml", "markdown"):
        shown = agentadm("models", "show", "gpt-4O MINI", "-o", form)
        assert (shown.code, KEY in shown.out, "gAAAA" in shown.out) == (0, False, False)
    assert agentadm("models", "show", "GPT-4o mini", "--reveal").code == 2


def test_without_a_key(database: Database, agentadm: Agentadm) -> None:
    made = create(agentadm, "--inactive", key=None)
    assert (made["has_key"], made["key_version"], made["is_active"], made["config"]) == (False, None, False, {})
    assert undo(database, agentadm, "models create").code == 0
    refused(agentadm("models", "show", "GPT-4o mini"), 5)


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["gpt-4O MINI", "--provider", "openai", "--model-id", "x"], 6, "the name 'gpt-4O MINI' is taken"),
        (["X", "--provider", "Open AI", "--model-id", "x"], 2, "'Open AI' is no provider"),
        (["X", "--provider", "openai", "--model-id", ""], 2, "is no name"),
        (["", "--provider", "openai", "--model-id", "x"], 2, "is no name"),
        (["X", "--provider", "openai"], 2, "--model-id"),
        (["X", "--provider", "openai", "--model-id", "x", "--config", "[]"], 2, "is no JSON object"),
        (["X", "--provider", "openai", "--model-id", "x", "--config", '{"a": [{"API-Key": 1}]}'], 2,
         "config.a[0].API-Key is where a secret would stand"),
        (["X", "--provider", "openai", "--model-id", "x", "--api-key-stdin"], 2, "nothing on standard input"),
    ],
)  # fmt: skip
def test_create_refuses(database: Database, agentadm: Agentadm, argv: list[str], code: int, told: str) -> None:
    create(agentadm)
    refused(agentadm("models", "create", *argv), code, told)
    assert database.value("SELECT count(*) FROM agentadm.ai_models") == 1


@pytest.mark.parametrize("key", ["two words", "line\none more", "schlüssel", "x" * 4097])
def test_what_is_no_key_is_not_told(agentadm: Agentadm, key: str) -> None:
    said = agentadm(*CREATE, "--api-key-stdin", stdin=key)
    refused(said, 2, "what was given for a key is none")
    assert key not in said.err


def test_there_must_be_an_encryption_key(agentadm: Agentadm) -> None:
    said = agentadm(*CREATE, "--api-key-stdin", stdin=KEY, env={"AGENTADM_KEY_MATERIAL": ""})
    assert (said.code, said.out, KEY in said.err) == (2, "", False)


def test_at_a_terminal_the_key_is_asked_for_and_not_shown(
    database: Database, agentadm: Agentadm, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def getpass(prompt: str, stream: object) -> str:
        asked.append(prompt)
        return KEY

    monkeypatch.setattr("getpass.getpass", getpass)
    assert agentadm(*CREATE, "--api-key-stdin", terminal=True).code == 0
    assert (asked, stored(database) is None) == (["key at the provider (not shown): "], False)
    refused(
        agentadm("models", "update", "GPT-4o mini", "--api-key-stdin", "--no-input", "--yes", terminal=True), 8,
        "there is no one to ask",
    )  # fmt: skip


def test_update_replaces_clears_and_keeps(database: Database, agentadm: Agentadm) -> None:
    create(agentadm)
    first = stored(database)
    update = ["models", "update", "gpt-4o mini", "--yes", "-o", "json"]
    assert "nothing to change" in agentadm(*update, "--api-key-stdin", stdin=KEY).err
    assert stored(database) == first
    changed = done(agentadm(*update, "--name", "Mini", "--inactive", "--config", '{"a": 1}'))
    assert (changed["name"], changed["is_active"], changed["config"], changed["has_key"]) == (
        "Mini",
        False,
        {"a": 1},
        True,
    )
    assert undo(database, agentadm, "models update").code == 0
    assert done(agentadm(*update, "--api-key-stdin", stdin=f"{OTHER}\r\n"))["has_key"] is True
    assert stored(database) != first
    refused(undo(database, agentadm, "models update"), 6, "the audit keeps only fingerprints of secrets")
    cleared = done(agentadm(*update, "--clear", "api_key"))
    assert (cleared["has_key"], cleared["key_version"]) == (False, None)
    assert {KEY, OTHER} & set(everything(database).split()) == set()
    refused(agentadm(*update, "--clear", "name"), 2, "api_key")
    refused(agentadm(*update, "--clear", "api_key", "--api-key-stdin", stdin=KEY), 2, "both set and cleared")
    refused(agentadm(*update), 2, "nothing to change was named")


def test_standard_input_is_read_once(agentadm: Agentadm) -> None:
    create(agentadm)
    refused(agentadm("models", "update", "-", "--api-key-stdin", "--yes", stdin="x"), 2, "can be read once only")


def test_an_idempotency_key_knows_another_secret(agentadm: Agentadm) -> None:
    argv = [*CREATE, "--api-key-stdin", "--idempotency-key", "k1", "-o", "json"]
    made = done(agentadm(*argv, stdin=KEY))
    assert done(agentadm(*argv, stdin=KEY))["id"] == made["id"]
    refused(agentadm(*argv, stdin=OTHER), 6, "was used for other inputs")


def test_delete_is_for_good(database: Database, agentadm: Agentadm) -> None:
    create(agentadm)
    gone = done(agentadm("models", "delete", "GPT-4O MINI", "--confirm", "test", "-o", "json"))
    assert gone["has_key"] is True
    assert audited(database, "models delete") == [("ai_models", "delete", "statement")]
    refused(agentadm("models", "show", "gpt-4o mini"), 5)
    refused(undo(database, agentadm, "models delete"), 6, "cannot be undone")


def test_references_and_lists(database: Database, agentadm: Agentadm) -> None:
    made = create(agentadm)
    llama = ["Llama 3 70B", "--provider", "groq", "--model-id", "llama3-70b-8192", "--inactive"]
    assert agentadm("models", "create", *llama).code == 0
    for reference in ("gpt-4o MINI", made["id"], made["id"][-8:]):
        assert done(agentadm("models", "show", reference, "-o", "json"))["id"] == made["id"]
    refused(agentadm("models", "show", "GPT-4o mimi"), 5, "did you mean 'GPT-4o mini'?")

    def names(*argv: str) -> list[str]:
        return [row["name"] for row in done(agentadm("models", "list", *argv, "-o", "json"))]

    assert names() == ["GPT-4o mini", "Llama 3 70B"]
    assert names("--sort", "-name", "--limit", "1") == ["Llama 3 70B"]
    assert names("--provider", "groq") == names("--inactive") == ["Llama 3 70B"]
    assert names("--active") == names("--where", "model_id~4O") == ["GPT-4o mini"]
    refused(agentadm("models", "list", "--where", "api_key~gAAAA"), 2, "api_key")
    lines = agentadm("models", "list", "--all", "-o", "csv", "--columns", "name,provider").out.splitlines()
    assert lines == ["name,provider", "GPT-4o mini,openai", "Llama 3 70B,groq"]
    several = agentadm("models", "update", "-", "--active", "--yes", "-o", "json", stdin="llama 3 70b\nnone\n")
    assert (several.code, [item["status"] for item in several.json]) == (7, ["done", "failed"])


def test_customers_see_those_that_can_be_chosen(database: Database, agentadm: Agentadm) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    create(agentadm)
    argv = ["models", "create", "Old", "--provider", "custom", "--model-id", "old", "--inactive"]
    assert agentadm(*argv).code == 0
    seen = done(agentadm("models", "list", "--as-user", "ada@example.com", "-o", "json"))
    assert [row["name"] for row in seen] == ["GPT-4o mini"]
    assert seen[0]["created_at"] is not None
    as_ada = ["--as-user", "ada@example.com", "--sort", "-created_at", "-o", "json"]
    assert done(agentadm("models", "list", "--since", "today", *as_ada)) == seen
    assert done(agentadm("models", "list", "--until", "yesterday", *as_ada)) == []


def test_rotation_reencrypts_the_key(database: Database, agentadm: Agentadm) -> None:
    create(agentadm)
    material = json.dumps("AAAAAAAA" * 5 + "AAA=")
    newer = json.dumps("BBBBBBBB" * 5 + "BBA=")
    environ = {**database.environ, "AGENTADM_KEY_MATERIAL":
               f"[pepper]\n1 = {material}\n[encryption]\n1 = {material}\n2 = {newer}\n"}  # fmt: skip
    for argv in (["db", "key-material", "add", "encryption"], ["db", "key-material", "rotate", "--yes"]):
        assert run(argv, environ).code == 0
    assert done(run(["models", "show", "gpt-4o mini", "-o", "json"], environ))["key_version"] == 2
