"""Benchmarks: each measures our path and its floor alternately in one run, and prints the ratio."""
