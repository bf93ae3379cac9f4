"""Ada has a team with a member; keys are hers."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Agentadm
from tests.support import Database, Result


@pytest.fixture
def people(database: Database, agentadm: Agentadm) -> None:
    for name in ("ada", "grace", "linus"):
        database.execute("INSERT INTO agentadm.users (email, username) VALUES (%s, %s)", f"{name}@example.com", name)
    for argv in (["teams", "create", "Engines", "--owner", "ada"], ["teams", "members", "add", "engines", "grace"]):
        done = agentadm(*argv)
        assert done.code == 0, done.err


Make = Callable[..., tuple[str, str]]


@pytest.fixture
def make(people: None, agentadm: Agentadm) -> Make:
    """A new key: its plain text and its beginning."""

    def call(user: str = "ada", *options: str) -> tuple[str, str]:
        done = agentadm("keys", "create", user, "-o", "json", *options)
        assert done.code == 0, done.err
        return done.json["key"], done.json["display_start"]

    return call


@pytest.fixture
def verify(agentadm: Agentadm) -> Callable[..., Result]:
    def call(text: str, *options: str) -> Result:
        return agentadm("keys", "verify", "-o", "json", *options, stdin=text)

    return call


def secret(number: int) -> str:
    """A secret of a ring: of no worth."""
    return base64.b64encode(bytes([number] * 32)).decode()


def ring(pepper: dict[int, int], encryption: dict[int, int]) -> str:
    """A ring as TOML."""
    tables = {"pepper": pepper, "encryption": encryption}
    return "".join(
        f"[{name}]\n" + "".join(f'{version} = "{secret(number)}"\n' for version, number in versions.items())
        for name, versions in tables.items()
    )


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The ring that the database was set up with, in a file."""
    file = tmp_path / "ring.toml"
    file.write_text(ring({1: 0}, {1: 0}))
    file.chmod(0o600)
    return file


@pytest.fixture
def with_file(agentadm: Agentadm, key_file: Path) -> Agentadm:
    """agentadm with the ring in a file."""

    def call(*argv: str, env: dict[str, str] | None = None, **options: object) -> Result:
        chosen = {"AGENTADM_KEY_MATERIAL": "", "AGENTADM_KEY_FILE": str(key_file), **(env or {})}
        return agentadm(*argv, env=chosen, **options)

    return call
