"""The documentation tells the truth: generated pages are current, and the README's examples run."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import Agentadm
from tests.support import Database
from tools.write_docs import DOCS, pages

ROOT = Path(__file__).parent.parent


def test_generated_pages_are_current() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name} is old: make docs"


def test_the_examples_of_the_readme_run_as_they_stand(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    assert agentadm("db", "seed", "--yes").code == 0
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", readme, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) > 10
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "agentadm"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    command.chmod(0o755)
    environ = {**database.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    script = "set -eu\n" + "\n".join(lines)
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=tmp_path,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Edsger Dijkstra" in done.stdout
    assert "replayed" in done.stderr


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
