"""Lists of a million users: all of them to a file, against psql's \\copy, and the 2,000th page against the first.

What is measured of a list serves those of other nouns, too.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Ratio, seeded_server
from cli.main import main
from platform_core.db.embedded import EmbeddedServer
from platform_core.listing.types import ListRequest, Place, Rows
from platform_core.platform import Platform
from platform_core.services import Services
from platform_core.users.types import UserSummary

# What `db seed` loads; smaller while one develops.
SCALE = os.environ.get("AGENTADM_BENCHMARK_SCALE", "large")
ROUNDS = 5
PAGE_ROUNDS = 200
PAGES = 2_000
COLUMNS = ", ".join(field.name for field in fields(UserSummary))
FLOOR = f"SELECT {COLUMNS} FROM agentadm.users WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC"
MEGABYTES_AT_MOST = 150


def ratios() -> Iterator[Ratio]:
    with seeded_server(scale=SCALE) as environ, TemporaryDirectory() as folder:
        peak = 0
        for output, target in ((("csv", "--exact"), 1.3), (("jsonl",), 2.7)):
            ratio, used = export(environ, Path(folder), "users", FLOOR, output, target, SCALE)
            yield ratio
            peak = max(peak, used)
        # Not a time, but a bound like the others: megabytes over the megabytes allowed.
        yield Ratio("users list --all, peak memory", f"{MEGABYTES_AT_MOST} MB", peak / 1024, MEGABYTES_AT_MOST, 1.0)
        yield pages(environ, "users", lambda services, request: services.users.list(request))


def export(
    environ: dict[str, str], folder: Path, noun: str, query: str, output: Sequence[str], target: float, scale: str
) -> tuple[Ratio, int]:
    """The ratio of two whole processes that write to a file, by turns; and the peak of ours in kilobytes.

    Args:
        environ: of a server of our own.
        folder: for the files.
        noun: whose list it is.
        query: what psql copies.
        output: our format.
        target: what the ratio may be.
        scale: how much there is, for the table.
    """
    floor = _floor(environ, folder, query)
    ours = [sys.executable, "-m", "tools.peak_memory", noun, "list", "--all", "-o", *output]
    times: dict[str, list[float]] = {"ours": [], "floor": []}
    peak = 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run(floor, check=True)
        times["floor"].append(time.perf_counter() - begun)
        with (folder / "ours").open("wb") as file:
            begun = time.perf_counter()
            done = subprocess.run(ours, env=environ, check=True, stdout=file, stderr=subprocess.PIPE, text=True)
            times["ours"].append(time.perf_counter() - begun)
        peak = max(peak, int(done.stderr.split()[-1]))
    name = f"{noun} list --all -o {' '.join(output)}, {scale}"
    return Ratio(
        name, "psql \\copy, CSV", statistics.median(times["ours"]), statistics.median(times["floor"]), target
    ), peak


def export_in_process(environ: dict[str, str], folder: Path, noun: str, query: str, target: float, scale: str) -> Ratio:
    """The same as CSV, from the command line on in a process that has started: what the list itself takes."""
    floor = _floor(environ, folder, query)
    times: dict[str, list[float]] = {"ours": [], "floor": []}
    # The first round is not counted: it imports.
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        subprocess.run(floor, check=True)
        times["floor"].append(time.perf_counter() - begun)
        with (folder / "ours").open("w", encoding="utf-8", newline="") as file:
            begun = time.perf_counter()
            assert main([noun, "list", "--all", "-o", "csv", "--exact"], environ=environ, stdout=file) == 0
            times["ours"].append(time.perf_counter() - begun)
    ours, floors = (statistics.median(times[key][1:]) for key in ("ours", "floor"))
    return Ratio(f"{noun} list --all -o csv --exact, {scale}, in one process", "psql \\copy, CSV", ours, floors, target)


def _floor(environ: dict[str, str], folder: Path, query: str) -> list[str]:
    psql = EmbeddedServer(Path(environ["AGENTADM_HOME"])).binaries / "psql"
    return [str(psql), environ["FLOOR_CONNINFO"], "-qc", f"\\copy ({query}) TO '{folder / 'floor'}' CSV HEADER"]


def pages(environ: dict[str, str], noun: str, listed: Callable[[Services, ListRequest], Rows[Any]]) -> Ratio:
    """The 2,000th page over the first, by turns, each read in a transaction of its own."""
    platform = Platform(environ)
    request = ListRequest(limit=50)

    def read(after: Place | None) -> Place | None:
        return platform.read(lambda services: listed(services, request).page(after).end)

    place = None
    for _ in range(PAGES - 1):
        place = read(place) or place
    times: dict[str, list[float]] = {"last": [], "first": []}
    for _ in range(PAGE_ROUNDS):
        for key, after in (("first", None), ("last", place)):
            begun = time.perf_counter()
            read(after)
            times[key].append(time.perf_counter() - begun)
    platform.close()
    return Ratio(
        f"page 2,000 of {noun} list", "page 1", statistics.median(times["last"]), statistics.median(times["first"]), 1.2
    )
