"""The wheel works without the checkout, and its top level is what it should be."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from platform_core.db.embedded import EmbeddedServer

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (found,) = folder.glob("*.whl")
    return found


def test_its_top_level_is_the_two_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"cli", "platform_core"}
    assert any(name.startswith("platform_core/migrations/versions/0001") for name in names)
    assert any(name.endswith("functions/30_audit.sql") for name in names)
    assert not [name for name in names if "test" in name or "__pycache__" in name]


def test_it_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Its own files only: unpacked elsewhere, with the dependencies of this environment and not the checkout."""
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    server = EmbeddedServer(tmp_path / "home")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(unpacked),
        "AGENTADM_HOME": str(server.home),
        "AGENTADM_EMBEDDED_DURABLE": "no",
    }
    where = "import cli, platform_core.db.migrate as m; print(cli.__file__, m.migrations_folder())"
    try:
        told = _run([sys.executable, "-c", where], environ, tmp_path)
        assert told.count(str(unpacked)) == 2
        assert "development" in _run([sys.executable, "-m", "cli", "db", "init", "--embedded"], environ, tmp_path)
        assert _run([sys.executable, "-m", "cli", "users", "list", "-o", "json"], environ, tmp_path).strip() == "[]"
    finally:
        server.destroy()


def _run(command: list[str], environ: dict[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
