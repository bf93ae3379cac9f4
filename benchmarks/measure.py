"""What the benchmarks share: alternating runs, medians, ratios, and a server of their own."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.main import main
from platform_core.db.embedded import EmbeddedServer

ROUNDS = 15
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ratio:
    """One line of the table: our time over the floor's, medians of alternating runs, and what it may be."""

    name: str
    floor_name: str
    ours_seconds: float
    floor_seconds: float
    target: float

    @property
    def ratio(self) -> float:
        return self.ours_seconds / self.floor_seconds

    def __str__(self) -> str:
        verdict = "ok" if self.ratio <= self.target else "MISSED"
        return f"| {self.name} | {self.floor_name} | {self.ratio:.2f} | {self.target:.1f} | {verdict} |"


def processes(
    name: str,
    ours: Sequence[str],
    floor_name: str,
    floor: Sequence[str],
    target: float,
    environ: dict[str, str],
    *,
    floor_environ: dict[str, str] | None = None,
) -> Ratio:
    """The ratio of two whole processes, started from cold, by turns."""
    times: dict[str, list[float]] = {"ours": [], "floor": []}
    for _ in range(ROUNDS):
        for key, command, where in (("floor", floor, floor_environ or environ), ("ours", ours, environ)):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *command], env=where, capture_output=True, check=True)
            times[key].append(time.perf_counter() - begun)
    return Ratio(name, floor_name, statistics.median(times["ours"]), statistics.median(times["floor"]), target)


@contextmanager
def seeded_server(scale: str = "small") -> Iterator[dict[str, str]]:
    """The environment of a server of our own with a company of that scale in it; gone at the end."""
    with TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "home")
        environ = {**os.environ, "AGENTADM_HOME": str(server.home), "PYTHONPATH": str(ROOT)}
        environ.pop("AGENTADM_DATABASE_URL", None)
        environ.pop("DATABASE_URL", None)
        try:
            for argv in (["db", "init", "--embedded", "-q"], ["db", "seed", "--scale", scale, "--yes", "-q"]):
                with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                    assert main(argv, environ=environ, stdout=nowhere) == 0
            yield {**environ, "FLOOR_CONNINFO": server.conninfo()}
        finally:
            server.destroy()


def machine() -> str:
    """What this ran on, without names."""
    cores = os.cpu_count()
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores} cores"
