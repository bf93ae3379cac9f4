"""Run all benchmarks, or those that are named, and print the table."""

import sys

from benchmarks import agents, cold_start, imports, keys, lists, show
from benchmarks.measure import machine

BENCHMARKS = {
    "cold_start": cold_start, "lists": lists, "show": show, "imports": imports, "keys": keys, "agents": agents,
}  # fmt: skip


def run() -> int:
    print(f"{machine()}\n\n| path | floor | ratio | at most | |\n|---|---|---|---|---|")
    missed = 0
    for name in sys.argv[1:] or BENCHMARKS:
        for ratio in BENCHMARKS[name].ratios():
            print(ratio, flush=True)
            missed += ratio.ratio > ratio.target
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run())
