"""Fixtures: embedded servers of a test's own, which it may stop, kill and remove."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_core.db.embedded import EmbeddedServer
from tests.db.embedded_support import MakeServer


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    made: list[EmbeddedServer] = []

    def make(home: Path | None = None, postgres: str = "18", durable: bool = False) -> EmbeddedServer:
        made.append(EmbeddedServer(home or tmp_path / "home", postgres, durable))
        return made[-1]

    yield make
    for server in made:
        server.destroy()


@pytest.fixture
def server(make_server: MakeServer) -> EmbeddedServer:
    """A server that was created and runs."""
    made = make_server()
    made.create()
    return made
