"""Every statement of imports that knows nothing of what is imported: staging, checks, rejects, progress."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from platform_core.db.schema import AnyRow
from platform_core.importing.staging import RANGE, reasons
from platform_core.importing.tables import import_rejects
from platform_core.importing.types import Counts, Field, Reject
from platform_core.operations.tables import chunk_progress

progress = chunk_progress.c
rejects = import_rejects.c
# Behind them come the fields, as texts.
STAGED = {"line": "bigint", "key": "uuid", "problem": "text", "cleared": "text"}
FETCHED_ROWS = 5_000


def stage(connection: Connection, fields: Sequence[str], blocks: Iterable[bytes]) -> None:
    """Put a chunk into a temporary table of texts, in place of the one before it."""
    columns = {**STAGED, **dict.fromkeys(fields, "text"), "target": "uuid"}
    shape = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(text(f"CREATE TEMP TABLE IF NOT EXISTS staged ({shape}) ON COMMIT DROP"))
    connection.execute(text("TRUNCATE pg_temp.staged"))
    names = ", ".join([*STAGED, *fields])
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(rf"COPY pg_temp.staged ({names}) FROM STDIN (ENCODING 'UTF8', NULL E'\x01')") as copy:
        for block in blocks:
            copy.write(block)


def analyze(connection: Connection) -> None:
    """Tell the planner how much is staged."""
    connection.execute(text("ANALYZE pg_temp.staged"))


def staged_lines(connection: Connection, first: int, last: int) -> list[int]:
    """The lines that are staged."""
    statement = text(f"SELECT s.line FROM pg_temp.staged s WHERE {RANGE} ORDER BY 1")
    return list(connection.execute(statement, {"first": first, "last": last}).scalars())


def reject_bad(
    connection: Connection, digest: str, fields: Sequence[Field], rules: Sequence[str], first: int, last: int
) -> int:
    """Take out the staged records that can be seen to be bad by themselves.

    Args:
        connection: where they are staged.
        digest: of the run.
        fields: that are staged.
        rules: more reasons, in SQL: a text, or NULL.
        first, last: lines that are meant.

    Returns:
        How many they were.
    """
    empty = " AND ".join(f"s.{field.name} IS NULL" for field in fields)
    nothing = f"CASE WHEN s.problem IS NULL AND s.cleared IS NULL AND {empty} THEN 'holds no value' END"
    told = ", ".join([*reasons(fields), *rules, nothing])
    found = (
        f"SELECT b.line, b.reason FROM (SELECT s.line, concat_ws('; ', {told}) AS reason"
        f" FROM pg_temp.staged s WHERE {RANGE} OFFSET 0) b WHERE b.reason <> ''"
    )
    return _reject(connection, found, {"digest": digest, "first": first, "last": last})


def reject_found(connection: Connection, digest: str, found: str, values: Mapping[str, Any]) -> int:
    """Take out the staged records that a statement finds, each with its reason. Returns how many they were."""
    return _reject(connection, found, {**values, "digest": digest})


def _reject(connection: Connection, found: str, values: Mapping[str, Any]) -> int:
    """Keep the reasons, and unstage the records."""
    statement = text(
        "WITH bad AS (INSERT INTO agentadm.import_rejects (digest, line, reason)"
        f" SELECT :digest, f.line, f.reason FROM ({found}) f RETURNING line)"
        " DELETE FROM pg_temp.staged s USING bad WHERE s.line = bad.line"
    )
    return connection.execute(statement, values).rowcount


def reject_lines(connection: Connection, digest: str, reasons: Mapping[int, str]) -> int:
    """Take out staged records by line, each with its reason. Returns how many they were."""
    if reasons:
        rows = [{"digest": digest, "line": line, "reason": reason} for line, reason in reasons.items()]
        connection.execute(insert(import_rejects), rows)
        unstage(connection, list(reasons))
    return len(reasons)


def unstage(connection: Connection, lines: Sequence[int]) -> None:
    """Take staged records out."""
    statement = text("DELETE FROM pg_temp.staged s WHERE s.line = ANY (CAST(:lines AS bigint[]))")
    connection.execute(statement, {"lines": list(lines)})


def twins(connection: Connection, keys: Mapping[str, str], first: int, last: int) -> Sequence[AnyRow]:
    """Staged records that share a key with another: line, what the key is, and which group they are, by line.

    Args:
        connection: where they are staged.
        keys: by what they are called, expressions in SQL; NULL shares nothing.
        first, last: lines that are meant.
    """
    parts = [
        f"SELECT g.line, '{name}' AS what, g.leader FROM (SELECT s.line, min(s.line) OVER w AS leader,"
        f" count(*) OVER w AS size FROM pg_temp.staged s WHERE {RANGE} AND ({key}) IS NOT NULL"
        f" WINDOW w AS (PARTITION BY {key})) g WHERE g.size > 1"
        for name, key in keys.items()
    ]
    statement = text(f"{' UNION ALL '.join(parts)} ORDER BY 1")
    return connection.execute(statement, {"first": first, "last": last}).all()


def known(connection: Connection, digest: str) -> Sequence[AnyRow]:
    """What is on record of a run: chunk, counts and operation, in order."""
    statement = select(progress.item, progress.counts, progress.operation_id).where(progress.digest == digest)
    return connection.execute(statement.order_by(progress.item)).all()


def claim(connection: Connection, digest: str, total: int, number: int, operation_id: UUID) -> bool:
    """Write down that a chunk is taken in this transaction. False when another has taken it; waits for one that may."""
    statement = (
        upsert(chunk_progress)
        .values(digest=digest, total=total, item=number, status="done", code=0, operation_id=operation_id)
        .on_conflict_do_nothing(index_elements=["digest", "item"])
        .returning(progress.item)
    )
    return connection.execute(statement).first() is not None


def record(connection: Connection, digest: str, number: int, counts: Counts) -> None:
    """Write down what became of a chunk, in the transaction that took it."""
    connection.execute(
        update(chunk_progress)
        .where(progress.digest == digest, progress.item == number)
        .values(counts=bindparam("done", asdict(counts), type_=JSONB))
    )


def rejected(connection: Connection, digest: str) -> Iterator[Reject]:
    """What was not taken, by line, in little memory."""
    statement = select(rejects.line, rejects.reason).where(rejects.digest == digest).order_by(rejects.line)
    with connection.execute(statement.execution_options(yield_per=FETCHED_ROWS)) as found:
        for row in found:
            yield Reject(row.line, row.reason)


def forget(connection: Connection, digest: str) -> None:
    """Delete what is on record of a run."""
    connection.execute(delete(chunk_progress).where(progress.digest == digest))
    connection.execute(delete(import_rejects).where(rejects.digest == digest))


def forget_orphans(connection: Connection) -> int:
    """Delete the rejects of runs whose progress is forgotten. Returns how many."""
    kept = select(progress.item).where(progress.digest == rejects.digest)
    return connection.execute(delete(import_rejects).where(~kept.exists())).rowcount
