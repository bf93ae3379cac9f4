"""Imports of a million users, as whole processes, against psql's \\copy of the same rows into the same table."""

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Ratio, seeded_server
from platform_core.db.embedded import EmbeddedServer

# Fewer while one develops.
RECORDS = int(os.environ.get("AGENTADM_BENCHMARK_RECORDS", "1000000"))
ROUNDS = 3
MEGABYTES_AT_MOST = 200
FIELDS = ("email", "email_verified", "username", "first_name", "last_name", "full_name", "role", "created_at")
FIRST = ("Ada", "Grace", "Edsger", "Barbara", "Alan", "Donald", "Margaret", "Niklaus")
LAST = ("Lovelace", "Hopper", "Dijkstra", "Liskov", "Turing", "Knuth", "Hamilton", "Wirth")
# The floor's table has the same indexes and rules, and no triggers.
FLOOR = "DROP TABLE IF EXISTS agentadm.floor; CREATE TABLE agentadm.floor (LIKE agentadm.users INCLUDING ALL)"
CLEAN = (
    "SELECT set_config('session_replication_role', 'replica', false);"
    " TRUNCATE agentadm.users, agentadm.audit_changes CASCADE"
)


@dataclass
class Files:
    """The same users in each form."""

    csv: Path
    jsonl: Path
    bad: Path


def ratios() -> Iterator[Ratio]:
    with TemporaryDirectory() as folder, seeded_server() as environ:
        files = _written(Path(folder))
        psql = [str(EmbeddedServer(Path(environ["AGENTADM_HOME"])).binaries / "psql"), environ["FLOOR_CONNINFO"]]
        yield from _measured(environ, psql, files)


def _measured(environ: dict[str, str], psql: Sequence[str], files: Files) -> Iterator[Ratio]:
    """Each of ours and the floor by turns."""
    runs = {
        "users import, CSV": (files.csv, 3.0, 0),
        "users import, JSON lines": (files.jsonl, 3.5, 0),
        "users import, CSV with 1 % bad": (files.bad, 4.0, 7),
    }
    floor: list[float] = []
    ours: dict[str, list[float]] = {name: [] for name in runs}
    peak = 0
    for number in range(ROUNDS):
        floor.append(_floor(psql, files.csv))
        for name, (file, _, code) in runs.items():
            seconds, used = _import(environ, psql, file, code, number)
            ours[name].append(seconds)
            peak = max(peak, used)
    for name, (_, target, _) in runs.items():
        yield Ratio(
            f"{name}, {RECORDS:,}", "psql \\copy, CSV", statistics.median(ours[name]), statistics.median(floor), target
        )
    # Not a time, but a bound like the others: megabytes over the megabytes allowed.
    yield Ratio("users import, peak memory", f"{MEGABYTES_AT_MOST} MB", peak / 1024, MEGABYTES_AT_MOST, 1.0)


def _floor(psql: Sequence[str], file: Path) -> float:
    subprocess.run([*psql, "-qc", FLOOR], check=True, stderr=subprocess.DEVNULL)
    begun = time.perf_counter()
    subprocess.run([*psql, "-qc", f"\\copy agentadm.floor ({', '.join(FIELDS)}) FROM '{file}' CSV HEADER"], check=True)
    seconds = time.perf_counter() - begun
    subprocess.run([*psql, "-qc", "DROP TABLE agentadm.floor"], check=True)
    subprocess.run([*psql, "-qc", "CHECKPOINT"], check=False, stderr=subprocess.DEVNULL)
    return seconds


def _import(environ: dict[str, str], psql: Sequence[str], file: Path, code: int, number: int) -> tuple[float, int]:
    """Seconds and kilobytes of one import into a table that is empty again afterwards."""
    _empty(environ, psql)
    argv = ["users", "import", str(file), "--yes", "--quiet", "-o", "json", "--idempotency-key", f"{file}{number}"]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tools.peak_memory", *argv], env=environ, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    assert done.returncode == code, done.stderr
    answer = json.loads(done.stdout)
    assert answer["records"] == RECORDS
    assert answer["created"] + answer["rejected"] == RECORDS
    return seconds, int(done.stderr.split()[-1])


def _empty(environ: dict[str, str], psql: Sequence[str]) -> None:
    """Take all users away, without a trace: only a superuser may."""
    server = EmbeddedServer(Path(environ["AGENTADM_HOME"]))
    subprocess.run([psql[0], server.conninfo(user="postgres"), "-qc", CLEAN], check=True, capture_output=True)


def _written(folder: Path) -> Files:
    files = Files(folder / "users.csv", folder / "users.jsonl", folder / "bad.csv")
    with (
        files.csv.open("w", newline="", encoding="utf-8") as good,
        files.bad.open("w", newline="", encoding="utf-8") as bad,
        files.jsonl.open("w", encoding="utf-8") as lines,
    ):
        writer, spoiler = csv.writer(good, lineterminator="\n"), csv.writer(bad, lineterminator="\n")
        writer.writerow(FIELDS)
        spoiler.writerow(FIELDS)
        for number, cells in enumerate(_users()):
            writer.writerow(cells)
            lines.write(
                json.dumps(dict(zip(FIELDS, cells, strict=True)) | {"email_verified": cells[1] == "true"}) + "\n"
            )
            spoiler.writerow(_spoiled(number // 100 % 10, cells) if number % 100 == 50 else cells)
    return files


def _users() -> Iterator[list[str]]:
    chance = random.Random(7)  # noqa: S311 - nothing secret
    for number in range(RECORDS):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        moment = f"202{number % 6}-0{1 + number % 9}-1{number % 10}T0{number % 10}:1{number % 6}:2{number % 6}"
        yield [
            f"{first}.{last}.{number}@example.com".lower(), "true" if number % 3 else "false", f"u{number}", first,
            last,
            f"{first} {last}", "creator" if number % 10 == 0 else "user", f"{moment}.{chance.randint(0, 999999):06}Z",
        ]  # fmt: skip


def _spoiled(kind: int, cells: list[str]) -> list[str]:
    """A user with something wrong."""
    changed: dict[int, Any] = {
        0: {0: "nobody"}, 1: {1: "perhaps"}, 2: {2: "a name"}, 3: {6: "king"}, 4: {7: "2026-10-31T12:00:00"},
        5: {7: "yesterday"}, 6: {2: "u0"}, 7: {0: "x" * 400 + "@example.com"}, 8: {3: "nul\0"},
    }  # fmt: skip
    if kind not in changed:
        return cells[:5]
    return [changed[kind].get(place, cell) for place, cell in enumerate(cells)]
