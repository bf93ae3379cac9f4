"""API keys: made and shown once, listed, changed, rotated, revoked, expired; and undone."""

import csv
import json
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from platform_core.keys.format import is_whole
from tests.conftest import Agentadm
from tests.keys.conftest import Make
from tests.support import Database, Result

pytestmark = pytest.mark.usefixtures("people")


def refused(done: Result, code: int, *told: str) -> None:
    assert (done.code, done.out) == (code, ""), done.err
    for text in told:
        assert text in done.err


def key(database: Database, start: str) -> dict[str, Any]:
    columns = "key_hash, hash_version, expires_at, revoked_at, revoked_reason, quota, rotated_from, id"
    names = [name.strip() for name in columns.split(",")]
    (row,) = database.rows(f"SELECT {columns} FROM agentadm.api_keys WHERE display_start = %s", start)
    return dict(zip(names, row, strict=True))


def count(database: Database) -> int:
    found: int = database.value("SELECT count(*) FROM agentadm.api_keys")
    return found


# -------------------------------------------------------------------------------------------------------------- create


def test_create_shows_the_key_once(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(
        "keys", "create", "grace", "--team", "engines", "--name", "deploy", "--environment", "test", "--scope",
        "runs:read", "--rate-limit", "7", "--quota", "100", "--expires", "90d", "-o", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    made = done.json
    assert is_whole(made["key"])
    assert made["key"].startswith(made["display_start"])
    assert made["display_start"].startswith("aa_test_")
    assert (made["team"], made["scopes"], made["quota"], made["status"]) == ("engines", ["runs:read"], 100, "active")
    assert made["secret_shown"] is True
    shown = agentadm("keys", "show", made["display_start"], "-o", "json")
    assert "key" not in shown.json
    assert shown.json["rate_limit_per_minute"] == 7
    assert made["key"] not in done.err + shown.out
    assert made["key"] not in database.dump()
    audited = database.rows(
        "SELECT c.table_name, c.action FROM agentadm.audit_changes c JOIN agentadm.operations o"
        " ON o.id = c.operation_id WHERE o.command = 'keys create'"
    )
    assert audited == [("api_keys", "insert")]


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["nobody"], 5, "no user 'nobody'"),
        (["ada", "--scope", "everything"], 2, "'everything' is no scope"),
        (["ada", "--expires", "soon"], 2, "is no moment"),
        (["ada", "--expires", "yesterday"], 2, "is in the past"),
        (["ada", "--expires", "2020-01-01"], 2, "is in the past"),
        (["ada", "--rate-limit", "0"], 2, "--rate-limit"),
        (["ada", "--name", ""], 2, "is no name"),
        (["linus", "--team", "engines"], 6, "linus is no member of team engines"),
        (["ada", "--team", "nothing"], 5, "no team"),
        (["ada", "grace"], 2, "--secrets-to"),
        (["-"], 2, "--secrets-to"),
    ],
)
def test_create_refuses(database: Database, agentadm: Agentadm, argv: list[str], code: int, told: str) -> None:
    refused(agentadm("keys", "create", *argv), code, told)
    assert count(database) == 0


def test_a_dry_run_of_create_shows_no_key(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    dry = agentadm("keys", "create", "ada", "--dry-run", "-o", "json")
    assert (dry.code, dry.json["key"], dry.json["secret_shown"]) == (0, None, False)
    assert "would change" in dry.err
    file = tmp_path / "keys.csv"
    assert agentadm("keys", "create", "ada", "grace", "--secrets-to", str(file), "--dry-run").code == 0
    assert not file.exists()
    assert count(database) == 0


def test_several_keys_go_to_a_file_that_nobody_else_may_read(
    database: Database, agentadm: Agentadm, tmp_path: Path
) -> None:
    file = tmp_path / "keys.csv"
    done = agentadm("keys", "create", "-", "--secrets-to", str(file), "-o", "json", stdin="ada\nnobody\ngrace\n")
    assert done.code == 7, done.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["display_start"] for row in rows] == [row["key"][:14] for row in rows]
    assert {row["id"] for row in rows} == {str(row[0]) for row in database.rows("SELECT id FROM agentadm.api_keys")}
    assert all(is_whole(row["key"]) and row["key"] not in done.out + done.err + database.dump() for row in rows)
    valid = agentadm("keys", "verify", "-o", "json", stdin="\n".join(row["key"] for row in rows))
    assert (valid.code, [verdict["valid"] for verdict in valid.json]) == (0, [True, True])
    again = agentadm("keys", "create", "ada", "grace", "--secrets-to", str(file))
    refused(again, 2, "exists already")
    assert len(rows) == count(database) == 2


def test_one_key_may_go_to_a_file_too(agentadm: Agentadm, tmp_path: Path) -> None:
    file = tmp_path / "key.jsonl"
    done = agentadm("keys", "create", "ada", "--secrets-to", str(file), "-o", "json")
    assert (done.json["key"], done.json["secret_shown"]) == (None, True)
    line = json.loads(file.read_text())
    assert line["id"] == done.json["id"]
    assert is_whole(line["key"])


def test_what_is_taken_back_is_in_no_file(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"
    done = agentadm("keys", "create", "ada", "nobody", "--atomic", "--secrets-to", str(file))
    assert done.code == 5
    assert not file.exists()
    guarded = agentadm("keys", "create", "ada", "grace", "--max-affected", "1", "--secrets-to", str(file))
    assert guarded.code == 9
    assert not file.exists()
    # A constraint that is checked at COMMIT: the line is in the file by then, and is taken out.
    database.execute(
        "CREATE FUNCTION agentadm.test_no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.user_id = (SELECT id FROM agentadm.users WHERE username = 'grace') THEN"
        " RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END IF; RETURN NULL; END $$"
    )
    database.execute(
        "CREATE CONSTRAINT TRIGGER test_no AFTER INSERT ON agentadm.api_keys DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION agentadm.test_no()"
    )
    partly = agentadm("keys", "create", "ada", "grace", "--secrets-to", str(file))
    assert partly.code == 7, partly.err
    with file.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [str(row[0]) for row in database.rows("SELECT id FROM agentadm.api_keys")]
    assert len(rows) == 1


def test_a_file_that_cannot_be_written_is_told_before_anything_is_made(
    database: Database, agentadm: Agentadm, tmp_path: Path
) -> None:
    refused(agentadm("keys", "create", "ada", "--secrets-to", str(tmp_path / "no" / "x")), 2, "cannot be written")
    assert count(database) == 0


def test_no_file_is_left_where_nothing_was_confirmed(agentadm: Agentadm, make: Make, tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"
    refused(agentadm("keys", "rotate", make()[1], make()[1], "--secrets-to", str(file)), 8, "--yes")
    assert not file.exists()


def test_a_replay_answers_without_the_key(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    first = agentadm("keys", "create", "ada", "--idempotency-key", "k1", "-o", "json")
    text = first.json["key"]
    again = agentadm("keys", "create", "ada", "--idempotency-key", "k1", "-o", "json")
    assert "replayed" in again.err
    assert (again.json["id"], again.json["key"], again.json["secret_shown"]) == (first.json["id"], None, False)
    assert text not in again.out + database.dump()
    assert count(database) == 1


def test_the_key_is_nowhere_else(database: Database, agentadm: Agentadm) -> None:
    """Not in stderr with --debug, not in the database, not in the server's log, not in what undo or show tell."""
    database.execute(f"ALTER DATABASE {database.name} SET log_statement = 'all'", user="postgres")
    database.execute(f"ALTER DATABASE {database.name} SET log_min_duration_statement = 0", user="postgres")
    done = agentadm("keys", "create", "ada", "--debug", "-o", "json")
    text = done.json["key"]
    verified = agentadm("keys", "verify", "--debug", stdin=text)
    rotated = agentadm("keys", "rotate", text[:14], "--yes", "--debug", "-o", "json")
    second = rotated.json["key"]
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'keys rotate'")
    others = [
        done.err, verified.out + verified.err, rotated.err, database.dump(),
        *(agentadm(*argv, "-o", "json").out for argv in (
            ("audit", "show", str(operation)), ("keys", "list", "--all"), ("keys", "show", second[:14]),
            ("users", "export", "ada"),
        )),
        *(file.read_text(errors="replace") for file in database.server.home.rglob("*log*") if file.is_file()),
    ]  # fmt: skip
    assert (done.out.count(text), rotated.out.count(second)) == (1, 1)
    for place in others:
        assert text not in place
        assert second not in place


def test_a_whole_key_is_no_reference_and_is_not_repeated(database: Database, agentadm: Agentadm, make: Make) -> None:
    text, _ = make()
    for argv in (["show"], ["revoke", "--yes"], ["update", "--name", "x"], ["rotate", "--yes"]):
        done = agentadm("keys", argv[0], text, *argv[1:])
        assert done.code == 2
        assert text not in done.out + done.err
        assert "may be a whole key" in done.err
    assert text not in database.dump()


# ------------------------------------------------------------------------------------------------------ list and show


def test_list_keeps_what_is_asked_for(agentadm: Agentadm, make: Make) -> None:
    _, first = make("ada")
    _, second = make("grace", "--team", "engines", "--environment", "test")
    _, third = make("ada", "--expires", "1d")
    assert agentadm("keys", "revoke", first, "--yes").code == 0

    def starts(*argv: str, env: dict[str, str] | None = None) -> list[str]:
        done = agentadm("keys", "list", "-o", "json", *argv, env=env)
        assert done.code == 0, done.err
        return [row["display_start"] for row in done.json]

    assert starts() == [third, second, first]
    assert starts("--user", "ada") == [third, first]
    assert starts("--team", "engines") == starts("--environment", "test") == [second]
    assert starts("--status", "revoked") == [first]
    assert starts("--status", "active") == [third, second]
    later = {"AGENTADM_CLOCK": "2099-01-01T00:00:00Z"}
    assert starts("--status", "expired", env=later) == starts("--where", "status=expired", env=later) == [third]
    assert starts("--where", "rate_limit_per_minute>60") == []
    assert agentadm("keys", "list", "--where", "key_hash=x").code == 2
    assert starts("--limit", "1", "--sort", "created_at") == [first]


def test_show_finds_a_key_by_every_handle(database: Database, agentadm: Agentadm, make: Make) -> None:
    _, start = make()
    found = str(key(database, start)["id"])
    for reference in (start, found, found[-8:], f"…{found[-12:]}"):
        assert agentadm("keys", "show", reference, "-o", "json").json["id"] == found
    refused(agentadm("keys", "show", start[:-1]), 5, "no key", "as lists show it")
    _, other = make("grace")
    database.execute("UPDATE agentadm.api_keys SET display_start = %s WHERE display_start = %s", start, other)
    refused(agentadm("keys", "show", start), 6, "is ambiguous", found)


# ------------------------------------------------------------------------------------------ update, revoke, expire


def test_update_sets_clears_and_refuses(database: Database, agentadm: Agentadm, make: Make) -> None:
    _, start = make("ada", "--quota", "5", "--expires", "2w")
    done = agentadm(
        "keys", "update", start, "--name", "ci", "--scope", "runs:read", "--scope", "runs:write", "--rate-limit", "9",
        "--clear", "quota", "--clear", "expires-at", "-o", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    changed = done.json
    assert (changed["name"], changed["scopes"]) == ("ci", ["runs:read", "runs:write"])
    assert (changed["quota"], changed["expires_at"], changed["rate_limit_per_minute"]) == (None, None, 9)
    assert "nothing to change" in agentadm("keys", "update", start, "--rate-limit", "9").err
    refused(agentadm("keys", "update", start), 2, "nothing to change was named")
    refused(agentadm("keys", "update", start, "--scope", "x"), 2, "is no scope")
    refused(agentadm("keys", "update", start, "--clear", "name"), 2, "fields: quota, expires_at")
    assert agentadm("keys", "revoke", start, "--yes").code == 0
    refused(agentadm("keys", "update", start, "--name", "x"), 6, "is revoked")


def test_revoke_keeps_the_first_reason_and_can_be_undone(database: Database, agentadm: Agentadm, make: Make) -> None:
    _, start = make()
    assert agentadm("keys", "revoke", start, "--reason", "leaked", "--yes").code == 0
    assert "nothing to change" in agentadm("keys", "revoke", start, "--reason", "other", "--yes").err
    assert key(database, start)["revoked_reason"] == "leaked"
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'keys revoke' ORDER BY seq LIMIT 1")
    assert agentadm("audit", "undo", str(operation), "--yes").code == 0
    assert key(database, start)["revoked_at"] is None


def test_expire_marks_what_is_over_once(database: Database, agentadm: Agentadm, make: Make) -> None:
    _, start = make("ada", "--expires", "1d")
    _, other = make("ada", "--expires", "30d")
    assert agentadm("keys", "expire", "-o", "json").json == {"keys": 0}
    later = {"AGENTADM_CLOCK": database.value("SELECT (now() + interval '3 days')::text")}
    assert agentadm("keys", "expire", "--after", "7d", "-o", "json", env=later).json == {"keys": 0}
    assert agentadm("keys", "expire", "--dry-run", "-o", "json", env=later).json == {"keys": 1}
    assert agentadm("keys", "expire", "-o", "json", env=later).json == {"keys": 1}
    assert agentadm("keys", "expire", "-o", "json", env=later).json == {"keys": 0}
    assert key(database, start)["revoked_reason"] == "expired"
    assert key(database, other)["revoked_at"] is None
    assert agentadm("keys", "show", start, "-o", "json").json["status"] == "expired"
    refused(agentadm("keys", "expire", "--after", "soon"), 2, "is no duration")
    assert database.value("SELECT count(*) FROM agentadm.job_runs WHERE job = 'keys expire' AND state = 'done'") == 4


# -------------------------------------------------------------------------------------------------------------- rotate


def test_rotate_replaces_a_key_and_lets_the_old_one_end(database: Database, agentadm: Agentadm, make: Make) -> None:
    old_text, old = make("grace", "--team", "engines", "--quota", "5", "--scope", "runs:read", "--environment", "test")
    done = agentadm("keys", "rotate", old, "--overlap", "1h", "--yes", "-o", "json")
    assert done.code == 0, done.err
    new = done.json
    assert is_whole(new["key"])
    assert (new["team"], new["scopes"], new["environment"]) == ("engines", ["runs:read"], "test")
    assert (new["quota"], new["expires_at"], new["rotated_from"]) == (None, None, str(key(database, old)["id"]))
    assert datetime.fromisoformat(new["old_expires_at"]) == key(database, old)["expires_at"]
    seconds = database.value(
        "SELECT extract(epoch FROM expires_at - now())::int FROM agentadm.api_keys WHERE display_start = %s", old
    )
    assert 3500 < seconds <= 3600
    both = agentadm("keys", "verify", "-o", "json", stdin=f"{old_text}\n{new['key']}\n")
    assert [verdict["valid"] for verdict in both.json] == [True, True]
    refused(agentadm("keys", "rotate", old, "--yes"), 6, "was rotated already", new["display_start"])
    # Its successor gone, it may be rotated again; an expiry that is sooner stays.
    assert agentadm("keys", "revoke", new["id"], "--yes").code == 0
    assert agentadm("keys", "rotate", old, "--overlap", "7d", "--yes").code == 0
    again = database.value(
        "SELECT extract(epoch FROM expires_at - now())::int FROM agentadm.api_keys WHERE display_start = %s", old
    )
    assert again <= 3600


def test_rotate_without_an_overlap_ends_the_old_key_at_once(agentadm: Agentadm, make: Make) -> None:
    text, start = make()
    assert agentadm("keys", "rotate", start, "--overlap", "0", "--yes").code == 0
    assert agentadm("keys", "show", start, "-o", "json").json["status"] == "expired"
    refused(agentadm("keys", "rotate", start, "--yes"), 6, "is expired, and cannot be rotated")
    assert agentadm("keys", "verify", stdin=text).code == 1


def test_a_revoked_key_is_not_rotated(agentadm: Agentadm, make: Make) -> None:
    _, start = make()
    assert agentadm("keys", "revoke", start, "--yes").code == 0
    refused(agentadm("keys", "rotate", start, "--yes"), 6, "is revoked, and cannot be rotated")
    refused(agentadm("keys", "rotate", start, "--overlap", "long", "--yes"), 2, "is no duration")


def test_a_dry_run_of_rotate_shows_no_key_and_changes_nothing(
    database: Database, agentadm: Agentadm, make: Make
) -> None:
    _, start = make()
    before = database.dump()
    dry = agentadm("keys", "rotate", start, "--dry-run", "-o", "json")
    assert (dry.code, dry.json["key"], dry.json["secret_shown"]) == (0, None, False)
    assert database.dump() == before


def test_creation_and_rotation_can_be_undone(database: Database, agentadm: Agentadm, make: Make) -> None:
    _, start = make()
    assert agentadm("keys", "rotate", start, "--yes").code == 0
    for command in ("keys rotate", "keys create"):
        operation = database.value(f"SELECT id FROM agentadm.operations WHERE command = '{command}'")
        undone = agentadm("audit", "undo", str(operation), "--yes")
        assert undone.code == 0, undone.err
    assert count(database) == 0
    # The hash is in no image: what undo took away it cannot bring back.
    undo = database.value("SELECT id FROM agentadm.operations WHERE command = 'audit undo' ORDER BY seq DESC LIMIT 1")
    refused(agentadm("audit", "undo", str(undo), "--yes"), 6, "only fingerprints of secrets")
