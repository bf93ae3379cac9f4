"""`users show` in a company of a million, against the same in one of a few hundred."""

import os
from collections.abc import Iterator

from benchmarks.measure import Ratio, processes, seeded_server

# What `db seed` loads; smaller while one develops.
SCALE = os.environ.get("AGENTADM_BENCHMARK_SCALE", "large")
SHOW = ("-m", "cli", "users", "show", "grace@example.com", "-o", "json")


def ratios() -> Iterator[Ratio]:
    with seeded_server() as small, seeded_server(scale=SCALE) as large:
        yield processes(
            f"users show among {SCALE}", SHOW, "users show among small", SHOW, 1.1, large, floor_environ=small
        )
