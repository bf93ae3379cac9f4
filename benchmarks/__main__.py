"""Run all benchmarks, and print the table."""

import sys

from benchmarks import cold_start, lists
from benchmarks.measure import machine

BENCHMARKS = (cold_start, lists)


def run() -> int:
    print(f"{machine()}\n\n| path | floor | ratio | at most | |\n|---|---|---|---|---|")
    missed = 0
    for benchmark in BENCHMARKS:
        for ratio in benchmark.ratios():
            print(ratio, flush=True)
            missed += ratio.ratio > ratio.target
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run())
