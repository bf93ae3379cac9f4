"""Keys that are rotated and revoked while eight processes verify them; and keys that several verify at once."""

import json
import time
from pathlib import Path

import pytest

from platform_core.keys.types import ApiKey, NewKey
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.conftest import Agentadm
from tests.keys.conftest import Make, ring
from tests.operations.processes import at_once, finish, start, wait_until
from tests.support import Database

PROCESSES = 8
SECONDS = 4.0


class Keys:
    """The keys of a test, and the file that says which are valid."""

    def __init__(self, platform: Platform, file: Path) -> None:
        self.platform = platform
        self.file = file
        self.texts: dict[str, str] = {}
        self.valid: list[str] = []
        self.revoked: list[str] = []

    def take(self, key: ApiKey, text: str) -> None:
        self.texts[str(key.id)] = text

    def tell(self, *, on: bool = True) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(json.dumps({"on": on, "valid": [self.texts[key] for key in self.valid],
                                      "revoked": [self.texts[key] for key in self.revoked]}))  # fmt: skip
        beside.replace(self.file)

    def create(self) -> None:
        done = self.platform.write(
            WriteRequest("keys create"), lambda services: services.keys.create("ada", NewKey(), self.take), None
        )
        self.valid.append(str(done.value.id))

    def rotate(self, key: str) -> None:
        done = self.platform.write(
            WriteRequest("keys rotate"), lambda services: services.keys.rotate(key, "1h", self.take), None
        )
        self.valid.append(str(done.value.id))
        self.tell()

    def revoke(self, key: str) -> None:
        self.valid.remove(key)
        self.tell()
        self.platform.write(WriteRequest("keys revoke"), lambda services: services.keys.revoke(key, reason=None), None)
        self.revoked.append(key)
        self.tell()


@pytest.mark.usefixtures("people")
def test_no_valid_key_is_refused_and_no_revoked_one_accepted(
    database: Database, platform: Platform, tmp_path: Path
) -> None:
    keys = Keys(platform, tmp_path / "keys.json")
    for _ in range(4):
        keys.create()
    keys.tell()
    processes = [start(str(keys.file), environ=database.environ, module="tests.keys.hammer") for _ in range(PROCESSES)]
    connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%verify_key%'"
    wait_until(lambda: database.value(connected) >= PROCESSES, "all of them verify")
    end, changed = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        oldest = keys.valid[0]
        keys.rotate(oldest)
        keys.revoke(oldest)
        changed += 1
    keys.tell(on=False)
    told = [finish(process) for process in processes]
    assert [done.code for done in told] == [0] * PROCESSES, told[0].err
    assert changed > 10
    for done in told:
        assert (done.json["refused"], done.json["accepted"]) == (0, 0)
        assert done.json["verified"] > 50


def test_several_verify_the_same_old_keys_at_once(database: Database, agentadm: Agentadm, make: Make) -> None:
    texts = [make()[0] for _ in range(5)]
    environ = {**database.environ, "AGENTADM_KEY_MATERIAL": ring({1: 0, 2: 9}, {1: 0})}
    assert agentadm("db", "key-material", "add", "pepper", env=environ).code == 0
    files = []
    folder = Path(str(database.server.home)).parent
    for number, order in enumerate((texts, texts[::-1], texts, texts[::-1])):
        files.append(folder / f"{database.name}_{number}")
        files[-1].write_text("\n".join(order))
    calls = [["keys", "verify", "--from", str(file)] for file in files]
    results = at_once(database, "SELECT FROM agentadm.api_keys FOR UPDATE", calls, environ)
    assert [result.code for result in results] == [0] * 4
    assert database.rows("SELECT DISTINCT hash_version FROM agentadm.api_keys") == [("2",)]
    changes = "SELECT count(*) FROM agentadm.audit_changes WHERE table_name = 'api_keys' AND action = 'update'"
    assert database.value(changes) == 5


def test_two_rotations_at_once_make_one_successor(database: Database, agentadm: Agentadm, make: Make) -> None:
    _, first = make()
    results = at_once(database, "SELECT FROM agentadm.api_keys FOR UPDATE", [["keys", "rotate", first, "--yes"]] * 3)
    assert sorted(result.code for result in results) == [0, 6, 6]
    assert database.value("SELECT count(*) FROM agentadm.api_keys") == 2
