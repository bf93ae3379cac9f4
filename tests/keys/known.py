"""A key that is known to the tests, and opens nothing anywhere else."""

from pathlib import Path

from platform_core.config import Settings
from platform_core.key_material.ring import read_ring
from tests.support import Database

FILE = Path(__file__).parent / "files" / "key.txt"
KEY = FILE.read_text(encoding="utf-8").strip()
START = KEY[:14]


def insert(database: Database, email: str) -> None:
    """Give it to a user, under the first pepper."""
    hashed = read_ring(Settings(database.environ)).hash_key(KEY, 1)
    database.execute(
        "INSERT INTO agentadm.api_keys (user_id, name, key_hash, hash_version, display_start, expires_at)"
        " SELECT id, 'known', %s, '1', %s, now() + interval '90 days' FROM agentadm.users WHERE email = %s",
        hashed, START, email,
    )  # fmt: skip
