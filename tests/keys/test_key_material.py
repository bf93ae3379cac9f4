"""Key material: made with an embedded server, registered, missed when it is not there, added to, rotated, retired."""

import base64
import stat
from pathlib import Path
from uuid import UUID

import pytest

from platform_core.config import Settings
from platform_core.db.embedded import EmbeddedServer
from platform_core.errors import AgentadmError, UsageError
from platform_core.key_material import rotation
from platform_core.key_material.ring import KeyRing, read_file, read_ring
from platform_core.key_material.types import Purpose
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from tests.conftest import Agentadm
from tests.keys.conftest import ring, secret
from tests.operations.processes import finish, start, wait_until
from tests.support import KEY_MATERIAL, Database, Result, run

FIRST = ring({1: 0}, {1: 0})


def refused(done: Result, code: int, *told: str) -> None:
    assert (done.code, done.out) == (code, ""), done.err
    for text in told:
        assert text in done.err


def a_ring(pepper: dict[int, int], encryption: dict[int, int]) -> KeyRing:
    return read_ring(Settings({"AGENTADM_KEY_MATERIAL": ring(pepper, encryption)}))


# ---------------------------------------------------------------------------------------------------------------- ring


def test_what_is_encrypted_is_read_with_the_version_that_it_names() -> None:
    old, new = a_ring({1: 1}, {1: 1}), a_ring({1: 1}, {1: 1, 2: 2})
    stored = old.encrypt("+49 30 1234")
    assert stored.startswith("1:gAAAA")
    assert new.decrypt(stored) == old.decrypt(stored) == "+49 30 1234"
    assert new.encrypt("x").startswith("2:")
    with pytest.raises(UsageError, match="encryption key 2 is not in AGENTADM_KEY_MATERIAL"):
        old.decrypt(new.encrypt("x"))


@pytest.mark.parametrize("damage", ["1:gAAAAx", "x:gAAAA", "", "plain text", ":"])
def test_a_changed_token_is_told_without_the_text(damage: str) -> None:
    with pytest.raises(AgentadmError, match="was changed, or was not encrypted by agentadm"):
        a_ring({1: 1}, {1: 1}).decrypt(damage)


def test_a_token_of_which_one_character_was_changed_is_refused() -> None:
    held = a_ring({1: 1}, {1: 1})
    stored = held.encrypt("hunter2")
    changed = stored[:40] + ("A" if stored[40] != "A" else "B") + stored[41:]
    with pytest.raises(AgentadmError) as told:
        held.decrypt(changed)
    assert "hunter2" not in told.value.message


def test_a_ring_shows_no_secret() -> None:
    held = a_ring({1: 1}, {1: 2})
    assert held.hash_key("k", 1) != a_ring({1: 3}, {}).hash_key("k", 1)
    assert held.fingerprint(Purpose.PEPPER, 1) != held.fingerprint(Purpose.ENCRYPTION, 1)
    assert len(held.fingerprint(Purpose.PEPPER, 1)) == 32
    assert secret(1)[:8] not in repr(held)
    assert repr(bytes([1] * 32))[:10] not in repr(held)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pepper = 'x", "is not valid TOML"),
        ("[peppers]\n1 = 'x'", "known are: pepper, encryption"),
        ("pepper = 'verysecret'", "is no table"),
        ("[pepper]\nverysecret = 'x'", "has no number for a name"),
        ("[pepper]\n01 = 'x'", "has no number for a name"),
        ("[pepper]\n0 = 'x'", "has no number for a name"),
        ("[pepper]\n1 = 'verysecret'", "is not base64 of 32 bytes"),
        ("[pepper]\n1 = 7", "is not base64 of 32 bytes"),
        (f"[pepper]\n1 = '{base64.b64encode(b'verysecret' * 3).decode()}'", "is not base64 of 32 bytes"),
    ],
)
def test_what_is_no_ring_is_told_without_what_is_in_it(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refusal:
        read_ring(Settings({"AGENTADM_KEY_MATERIAL": text}))
    assert "verysecret" not in f"{refusal.value.message}{refusal.value.hint}"
    file = tmp_path / "ring.toml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(UsageError, match=told):
        read_file(file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_file_that_others_may_use_is_refused(key_file: Path, with_file: Agentadm, people: None, mode: int) -> None:
    key_file.chmod(mode)
    refused(with_file("keys", "create", "ada"), 2, f"mode {mode:04o}", f"chmod 600 {key_file}")
    key_file.chmod(0o400)
    assert with_file("keys", "create", "ada").code == 0


def test_the_order_in_which_it_is_looked_for(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[profiles.p]\ndatabase_url = "postgresql://h/d"\nkey_file = "keys/p.toml"\n[profiles.q]\n'
        'database_url = "postgresql://h/d"\n'
    )
    environ = {"AGENTADM_CONFIG": str(config), "AGENTADM_HOME": str(tmp_path / "home")}

    def shown(*argv: str, **more: str) -> tuple[str | None, str]:
        done = run(["config", "show", "-o", "json", *argv], {**environ, **more})
        assert done.code == 0, done.err
        return next((row["value"], row["source"]) for row in done.json if row["setting"] == "key material")

    assert shown() == (None, "none is configured")
    assert shown("--profile", "q") == (None, "none is configured")
    assert shown("--profile", "p") == (str(tmp_path / "keys/p.toml"), "profile p")
    assert shown("--profile", "p", AGENTADM_KEY_FILE="/x/y") == ("/x/y", "AGENTADM_KEY_FILE")
    given = shown(AGENTADM_KEY_FILE="/x/y", AGENTADM_KEY_MATERIAL=KEY_MATERIAL)
    assert given == ("(not shown)", "AGENTADM_KEY_MATERIAL")
    done = run(["config", "set", "profiles.q.key_file", "q.toml"], environ)
    assert done.code == 0, done.err
    assert shown("--profile", "q")[0] == str(tmp_path / "q.toml")


# -------------------------------------------------------------------------------------------------- init and presence


def test_an_embedded_server_gets_a_file_of_its_own_once(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "home")
    environ = {
        "PATH": "/usr/bin:/bin", "AGENTADM_HOME": str(server.home), "AGENTADM_CONFIG": "/nonexistent",
        "AGENTADM_EMBEDDED_DURABLE": "no",
    }  # fmt: skip
    file = server.home / "key-material.toml"
    try:
        assert run(["db", "init", "--embedded", "--dry-run"], environ).code == 0
        assert not file.exists()
        assert run(["db", "init", "--embedded"], environ).code == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        made = file.read_text()
        listed = run(["db", "key-material", "list", "-o", "json"], environ).json
        assert [(row["purpose"], row["version"], row["in_ring"]) for row in listed] == [
            ("pepper", 1, True), ("encryption", 1, True),
        ]  # fmt: skip
        assert run(["users", "create", "ada@example.com"], environ).code == 0
        assert run(["keys", "create", "ada@example.com"], environ).code == 0
        backup = run(["db", "backup", str(tmp_path / "x.dump"), "-o", "json"], environ)
        assert f"keep {file} in another safe place" in backup.err
        file.unlink()
        assert run(["db", "init", "--embedded"], environ).code == 0
        assert not file.exists()
        refused(run(["keys", "create", "ada@example.com"], environ), 2, "pepper 1, which this database uses", str(file))
        refused(run(["db", "key-material", "add", "pepper"], environ), 2, "pepper 1, which this database uses")
        file.write_text(made)
        file.chmod(0o600)
        # A reset begins with what is there.
        assert run(["db", "reset", "--confirm", "development"], environ).code == 0
        assert file.read_text() == made
        assert run(["db", "key-material", "list", "-o", "json"], environ).json[0]["fingerprint"] in str(listed)
    finally:
        server.destroy()


@pytest.mark.parametrize(
    ("material", "told"),
    [
        (ring({1: 7}, {1: 0}), "pepper 1 in AGENTADM_KEY_MATERIAL is another than the one that this database uses"),
        (ring({2: 0}, {1: 0}), "pepper 1, which this database uses, is not in AGENTADM_KEY_MATERIAL"),
        (ring({1: 0}, {}), "encryption 1, which this database uses, is not in"),
        ("", "none is configured"),
    ],
)
def test_wrong_or_missing_material_refuses_before_anything_is_done(
    database: Database, agentadm: Agentadm, people: None, material: str, told: str
) -> None:
    text = agentadm("keys", "create", "ada", "-o", "json").json["key"]
    before = database.dump()
    env = {"AGENTADM_KEY_MATERIAL": material}
    refused(agentadm("keys", "create", "ada", env=env), 2, told, "put back the key material")
    refused(agentadm("keys", "verify", env=env, stdin=text), 2, told)
    refused(agentadm("db", "key-material", "rotate", "--yes", env=env), 2, told)
    found = agentadm("db", "doctor", "-o", "json", env=env)
    (finding,) = [row for row in found.json if not row["ok"]]
    assert (found.code, finding["check"]) == (1, "key material")
    assert told in finding["detail"]
    assert database.dump() == before
    # What needs no secret works.
    assert agentadm("keys", "list", env=env).code == 0
    assert agentadm("users", "list", env=env).code == 0


def test_an_installation_without_material_says_how_to_make_it(database: Database, with_file: Agentadm) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    database.execute("DELETE FROM agentadm.key_material")
    none = {"AGENTADM_KEY_FILE": ""}
    refused(with_file("keys", "create", "ada@example.com", env=none), 2, "has no pepper", "key-material add pepper")
    refused(with_file("db", "key-material", "add", "pepper", env=none), 2, "AGENTADM_KEY_FILE")
    assert with_file("db", "doctor", env=none).code == 0


def test_a_new_file_is_made_where_none_was_and_nothing_is_registered(
    database: Database, with_file: Agentadm, tmp_path: Path
) -> None:
    database.execute("DELETE FROM agentadm.key_material")
    file = tmp_path / "new.toml"
    env = {"AGENTADM_KEY_FILE": str(file)}
    assert with_file("db", "key-material", "add", "pepper", "--dry-run", env=env).code == 0
    assert not file.exists()
    assert with_file("db", "key-material", "add", "pepper", env=env).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(read_file(file).secrets) == [Purpose.PEPPER]


# ------------------------------------------------------------------------------------------------------- add, retire


def test_add_writes_the_file_first_and_a_repeat_completes_it(
    database: Database, with_file: Agentadm, key_file: Path
) -> None:
    done = with_file("db", "key-material", "add", "pepper", "-o", "json")
    assert done.code == 0, done.err
    assert (done.json["version"], done.json["in_ring"]) == (2, True)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    held = read_file(key_file)
    assert (held.versions(Purpose.PEPPER), held.versions(Purpose.ENCRYPTION)) == ([1, 2], [1])
    assert [path.name for path in key_file.parent.iterdir() if path.is_file()] == [key_file.name]
    # As if it had been cut short between the file and the database.
    database.execute("DELETE FROM agentadm.key_material WHERE version = 2")
    before = key_file.read_text()
    again = with_file("db", "key-material", "add", "pepper", "-o", "json")
    assert again.json["fingerprint"] == done.json["fingerprint"]
    assert key_file.read_text() == before


def test_what_the_database_does_not_know_is_not_used(database: Database, agentadm: Agentadm, people: None) -> None:
    env = {"AGENTADM_KEY_MATERIAL": ring({1: 0, 2: 9}, {1: 0})}
    assert agentadm("keys", "create", "ada", "-o", "json", env=env).json["hash_version"] == "1"
    assert agentadm("db", "key-material", "add", "pepper", env=env).code == 0
    assert agentadm("keys", "create", "ada", "-o", "json", env=env).json["hash_version"] == "2"


def test_a_variable_cannot_be_added_to(agentadm: Agentadm) -> None:
    refused(agentadm("db", "key-material", "add", "pepper"), 2, "AGENTADM_KEY_MATERIAL cannot be written", "pepper 2")


def test_add_leaves_no_version_where_it_fails(database: Database, with_file: Agentadm, key_file: Path) -> None:
    refused(with_file("db", "key-material", "add", "pepper", "--max-affected", "0"), 9)
    # It is in the file, and nowhere else; the next run registers it.
    assert read_file(key_file).versions(Purpose.PEPPER) == [1, 2]
    assert database.value("SELECT count(*) FROM agentadm.key_material") == 2
    assert with_file("db", "key-material", "add", "pepper").code == 0


def test_retire_is_refused_while_anything_uses_it(
    database: Database, with_file: Agentadm, people: None, key_file: Path
) -> None:
    text = with_file("keys", "create", "ada", "-o", "json").json["key"]
    refused(with_file("db", "key-material", "retire", "pepper", "1", "--yes"), 6, "is the newest", "add pepper")
    assert with_file("db", "key-material", "add", "pepper").code == 0
    refused(with_file("db", "key-material", "retire", "pepper", "1", "--yes"), 6, "1 living API keys")
    assert with_file("keys", "verify", stdin=text).code == 0
    before = database.dump()
    dry = with_file("db", "key-material", "retire", "pepper", "1", "--dry-run", "-o", "json")
    assert dry.json["retired_at"] is not None
    assert database.dump() == before
    retired = with_file("db", "key-material", "retire", "pepper", "1", "--yes", "-o", "json")
    assert retired.json["retired_at"] is not None
    assert "nothing to change" in with_file("db", "key-material", "retire", "pepper", "1", "--yes").err
    refused(with_file("db", "key-material", "retire", "pepper", "9", "--yes"), 5, "no pepper 9")
    # Its secret may go then.
    key_file.write_text(key_file.read_text().replace(f'1 = "{secret(0)}"\n', "", 1))
    assert with_file("keys", "verify", stdin=text).code == 0
    assert with_file("db", "doctor").code == 0


@pytest.mark.parametrize(
    ("over", "back"),
    [
        (["keys", "revoke", "{}", "--yes"], ["audit", "undo", "keys revoke", "--yes"]),
        (["keys", "rotate", "{}", "--overlap", "0", "--yes"], ["audit", "undo", "keys rotate", "--yes"]),
        (["keys", "rotate", "{}", "--overlap", "0", "--yes"], ["keys", "update", "{}", "--expires", "30d"]),
        (["keys", "rotate", "{}", "--overlap", "0", "--yes"], ["keys", "update", "{}", "--clear", "expires_at"]),
    ],
)
def test_a_key_does_not_come_back_under_a_retired_pepper(
    database: Database, with_file: Agentadm, people: None, over: list[str], back: list[str]
) -> None:
    key = with_file("keys", "create", "ada", "-o", "json").json["id"]
    for version in ("2", "3"):
        done = with_file("db", "key-material", "add", "pepper", "-o", "json")
        assert (done.code, str(done.json["version"])) == (0, version), done.err
    assert with_file(*(word.format(key) for word in over)).code == 0
    done = with_file("db", "key-material", "retire", "pepper", "1", "--yes")
    assert done.code == 0, done.err
    before = database.rows("SELECT id, revoked_at, expires_at FROM agentadm.api_keys ORDER BY id")
    operation = "SELECT id FROM agentadm.operations WHERE command = %s"
    words = [str(database.value(operation, word)) if " " in word else word.format(key) for word in back]
    refused(with_file(*words), 6, "is hashed with pepper 1, which is not in use", "keys create")
    assert database.rows("SELECT id, revoked_at, expires_at FROM agentadm.api_keys ORDER BY id") == before


def test_the_doctor_counts_keys_that_no_pepper_knows(database: Database, agentadm: Agentadm, people: None) -> None:
    assert agentadm("keys", "create", "ada", "-o", "json").code == 0
    assert agentadm("db", "doctor").code == 0
    database.execute("UPDATE agentadm.api_keys SET hash_version = '7'")
    done = agentadm("db", "doctor", "-o", "json")
    assert done.code == 1
    (found,) = [check for check in done.json if check["check"] == "API keys"]
    assert found["detail"] == "living API keys that no pepper in use knows: 1 under pepper 7"
    database.execute("UPDATE agentadm.api_keys SET revoked_at = now()")
    assert agentadm("db", "doctor").code == 0


def test_whoever_retires_a_pepper_waits_for_a_key_that_comes_back(
    database: Database, with_file: Agentadm, people: None
) -> None:
    assert with_file("keys", "create", "ada", "-o", "json").code == 0
    assert with_file("db", "key-material", "add", "pepper").code == 0
    database.execute("UPDATE agentadm.api_keys SET revoked_at = now()")
    with database.connect() as other:
        other.execute("UPDATE agentadm.api_keys SET revoked_at = NULL")
        call = ("db", "key-material", "retire", "pepper", "1", "--yes")
        refused(with_file(*call, "--wait", "0.05"), 75)
        other.commit()
    refused(with_file(*call), 6, "1 living API keys")


# -------------------------------------------------------------------------------------------------------------- rotate

ROWS = 2_100


@pytest.fixture
def agents(database: Database, platform: Platform, people: None) -> None:
    """Agents with an address each, under encryption key 1."""

    def make(services: Services) -> None:
        stored = [services.key_ring.encrypt(f"agent{number}@example.com") for number in range(ROWS)]
        with database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM agentadm.teams")
            (team,) = cursor.fetchall()[0]
            cursor.executemany(
                "INSERT INTO agentadm.agents (team_id, name, slug, contact_email) VALUES (%s, %s, %s, %s)",
                [(team, f"a{number}", f"a{number}", value) for number, value in enumerate(stored)],
            )

    platform.reader.read(make)


def by_version(database: Database) -> dict[str, int]:
    return dict(
        database.rows("SELECT split_part(contact_email, ':', 1), count(*)::int FROM agentadm.agents GROUP BY 1")
    )


def addresses(database: Database, held: KeyRing) -> set[str]:
    return {held.decrypt(value) for (value,) in database.rows("SELECT contact_email FROM agentadm.agents")}


NEXT = ring({1: 0}, {1: 0, 2: 5})
NEXT_ENV = {"AGENTADM_KEY_MATERIAL": NEXT}


@pytest.fixture
def next_key(agentadm: Agentadm) -> None:
    done = agentadm("db", "key-material", "add", "encryption", env=NEXT_ENV)
    assert done.code == 0, done.err


def test_rotate_encrypts_everything_anew_in_one_operation(
    database: Database, agentadm: Agentadm, agents: None, next_key: None
) -> None:
    refused(agentadm("db", "key-material", "retire", "encryption", "1", "--yes", env=NEXT_ENV), 6, "2,100 values")
    before = database.dump()
    dry = agentadm("db", "key-material", "rotate", "--dry-run", "-o", "json", env=NEXT_ENV)
    assert database.dump() == before
    real = agentadm("db", "key-material", "rotate", "--yes", "-o", "json", "--expect", str(ROWS), env=NEXT_ENV)
    assert real.code == 0, real.err
    for done in (dry, real):
        assert (done.json["version"], done.json["rows"]) == (2, ROWS)
        assert done.json["columns"] == {"agents.contact_email": ROWS}
    assert by_version(database) == {"2": ROWS}
    held = read_ring(Settings(NEXT_ENV))
    assert addresses(database, held) == {f"agent{number}@example.com" for number in range(ROWS)}
    audited = database.rows(
        "SELECT count(DISTINCT o.id), count(*), bool_and(c.after #>> '{contact_email,fingerprint}' IS NOT NULL)"
        " FROM agentadm.operations o JOIN agentadm.audit_changes c ON c.operation_id = o.id"
        " WHERE o.command = 'db key-material rotate'"
    )
    assert audited == [(1, ROWS, True)]
    again = agentadm("db", "key-material", "rotate", "--yes", "-o", "json", env=NEXT_ENV)
    assert again.json["rows"] == 0
    assert agentadm("db", "key-material", "retire", "encryption", "1", "--yes", env=NEXT_ENV).code == 0


def test_rotate_with_a_guard_is_all_or_nothing(
    database: Database, agentadm: Agentadm, agents: None, next_key: None
) -> None:
    refused(agentadm("db", "key-material", "rotate", "--yes", "--max-affected", "5", env=NEXT_ENV), 9)
    refused(agentadm("db", "key-material", "rotate", "--yes", "--expect", "5", env=NEXT_ENV), 9)
    assert by_version(database) == {"1": ROWS}


def test_a_rotation_that_is_killed_half_way_is_gone_on_with(
    database: Database, agentadm: Agentadm, agents: None, next_key: None
) -> None:
    """The second chunk waits for a lock, and the process is killed there."""
    with database.connect() as holder:
        last = holder.execute("SELECT id FROM agentadm.agents ORDER BY id OFFSET 1500 LIMIT 1").fetchall()[0][0]
        holder.execute("SELECT FROM agentadm.agents WHERE id = %s FOR UPDATE", [last])
        environ = {**database.environ, **NEXT_ENV}
        process = start("db", "key-material", "rotate", "--yes", "--wait", "100", environ=environ)
        wait_until(lambda: by_version(database).get("2") == rotation.CHUNK_ROWS, "a chunk is committed")
        process.kill()
        process.communicate()
        holder.rollback()
    assert by_version(database) == {"1": ROWS - 1000, "2": 1000}
    held = read_ring(Settings(NEXT_ENV))
    assert len(addresses(database, held)) == ROWS
    done = agentadm("db", "key-material", "rotate", "--yes", "-o", "json", env=NEXT_ENV)
    assert (done.code, done.json["rows"]) == (0, ROWS - 1000), done.err
    assert by_version(database) == {"2": ROWS}
    assert len(addresses(database, held)) == ROWS


def test_a_rotation_that_is_interrupted_says_how_to_go_on(database: Database, agents: None, next_key: None) -> None:
    with database.connect() as holder:
        last = holder.execute("SELECT id FROM agentadm.agents ORDER BY id OFFSET 1500 LIMIT 1").fetchall()[0][0]
        holder.execute("SELECT FROM agentadm.agents WHERE id = %s FOR UPDATE", [last])
        environ = {**database.environ, **NEXT_ENV}
        process = start("db", "key-material", "rotate", "--yes", "--wait", "100", environ=environ)
        wait_until(lambda: by_version(database).get("2") == rotation.CHUNK_ROWS, "a chunk is committed")
        process.terminate()
        done = finish(process)
        holder.rollback()
    assert done.code == 143
    assert "1,000 values were encrypted anew" in done.err
    assert "repeat the command" in done.err


def test_what_was_not_encrypted_by_us_stops_a_rotation(
    database: Database, agentadm: Agentadm, agents: None, next_key: None
) -> None:
    database.execute("UPDATE agentadm.agents SET contact_email = '1:gAAAAnonsense' WHERE slug = 'a7'")
    done = agentadm("db", "key-material", "rotate", "--yes", env=NEXT_ENV)
    assert done.code == 70
    assert "cannot be read" in done.err


def test_an_operation_that_needs_a_ring_reads_it_once(platform: Platform) -> None:
    def look(services: Services) -> UUID | None:
        assert services.key_ring is services.key_ring
        return services.operation_id

    assert platform.write(WriteRequest("test"), look, UUID).value is not None
