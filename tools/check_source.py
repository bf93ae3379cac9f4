"""Checks that no linter has: exits that do nothing, other clocks than ours, floats in money, sources that are too long.

Prints one line for each finding and ends with 1 if there is any.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("cli", "platform_core", "migrations")
LONGEST = 350
# The database's clock is agentadm.now(); its own definition, ids and leases by real time are the exceptions.
OTHER_CLOCKS = re.compile(
    r"(?<![\w.])(?:now\(\)|current_date\b|current_time(?:stamp)?\b|localtime(?:stamp)?\b|"
    r"(?:clock|statement|transaction)_timestamp\(\)|timeofday\(\))",
    re.IGNORECASE,
)
CLOCK_EXCEPTIONS = {
    "platform_core/db/sql/functions/10_clock.sql": "defines the clock, and time-ordered ids",
    "migrations/versions/0001_ground.sql": "the same, frozen",
    "platform_core/jobs/queries.py": "leases go by the real time",
    "platform_core/db/stats_queries.py": "the age of a transaction is real time",
}
NO_FLOATS = "money is an integer of minor units, or Decimal"
MONEY_WORDS = re.compile(r"amount|price|cost|budget|balance|money|credit", re.IGNORECASE)


def main() -> int:
    findings = [*_long_sources(), *_other_clocks(), *_syntax_findings()]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def _files(*endings: str) -> Iterator[Path]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings:
                yield path


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _long_sources() -> Iterator[str]:
    for path in _files(".py"):
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > LONGEST:
            yield f"{_name(path)}: {length} lines; over {LONGEST}, make it two"


def _other_clocks() -> Iterator[str]:
    for path in _files(".py", ".sql"):
        if _name(path) in CLOCK_EXCEPTIONS:
            continue
        text = path.read_text(encoding="utf-8")
        for number, line in _sql_lines(text) if path.suffix == ".py" else enumerate(text.splitlines(), 1):
            if OTHER_CLOCKS.search(line):
                yield f"{_name(path)}:{number}: use agentadm.now(): {line.strip()}"


def _sql_lines(source: str) -> Iterator[tuple[int, str]]:
    """Lines of the strings in a Python source: SQL stands nowhere else."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, line in enumerate(node.value.splitlines()):
                yield node.lineno + offset, line


def _syntax_findings() -> Iterator[str]:
    for path in _files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Return) and re.search(r"\bExit\(", ast.unparse(node)):
                yield f"{_name(path)}:{node.lineno}: return of typer.Exit exits with 0; raise it"
            if isinstance(node, ast.AnnAssign) and _is_float_money(node):
                yield f"{_name(path)}:{node.lineno}: {NO_FLOATS}: {ast.unparse(node)}"
            if isinstance(node, ast.arg) and node.annotation is not None and _float_money(node.arg, node.annotation):
                yield f"{_name(path)}:{node.lineno}: {NO_FLOATS}: {node.arg}"


def _is_float_money(node: ast.AnnAssign) -> bool:
    return _float_money(ast.unparse(node.target), node.annotation)


def _float_money(name: str, annotation: ast.expr) -> bool:
    return bool(MONEY_WORDS.search(name)) and bool(re.search(r"\bfloat\b|\bFloat\b", ast.unparse(annotation)))


if __name__ == "__main__":
    sys.exit(main())
