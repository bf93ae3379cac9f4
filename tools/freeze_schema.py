"""Print the declared schema as SQL, or what of it no migration has yet: what a new migration begins with.

    python -m tools.freeze_schema            all of it
    python -m tools.freeze_schema --new      what is not in migrations/versions/*.sql, functions as CREATE OR REPLACE

A migration, once landed, never changes. Columns that a known table gets, and policies that change, are for the author:
of a table that a migration has, --new prints comments and triggers only.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from platform_core.db.schema import declared_statements

VERSIONS = Path(__file__).parent.parent / "migrations" / "versions"
# db init has made the schema, and Alembic its own table, by then.
MADE_BEFORE = ("CREATE SCHEMA ", "COMMENT ON SCHEMA ", "CREATE TABLE agentadm.alembic_version ")
NEXT_BLOCK = re.compile(r"\n\n(?=--|CREATE|ALTER|SELECT|COMMENT|SET)")
FUNCTION = re.compile(r"^CREATE (?=FUNCTION)", re.MULTILINE)


def blocks(sql: str) -> Iterator[str]:
    """Statements with the comments above them; nothing in a body begins at the margin after an empty line."""
    yield from (block.strip() for block in NEXT_BLOCK.split(sql) if block.strip())


def replacing(block: str) -> str:
    """A block as a migration has it, that may find the function there."""
    return FUNCTION.sub("CREATE OR REPLACE ", block)


def main() -> None:
    frozen = "".join(file.read_text(encoding="utf-8") for file in sorted(VERSIONS.glob("*.sql")))
    known = {replacing(block) for block in blocks(frozen)} if "--new" in sys.argv else set()
    tables = set(re.findall(r"CREATE TABLE (agentadm\.\w+)", frozen)) if known else set()
    for statement in declared_statements():
        if statement.startswith(MADE_BEFORE):
            continue
        for block in blocks(statement.rstrip(";") + ";"):
            made = re.match(r"CREATE TABLE (agentadm\.\w+)", block)
            if replacing(block) not in known and not (made and made[1] in tables):
                print((replacing(block) if known else block) + "\n")


if __name__ == "__main__":
    main()
