"""Every statement about the audit."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    Connection,
    LargeBinary,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)

from platform_core.audit.tables import audit_changes, audit_seals
from platform_core.audit.types import Action, Change, ChangeList, Origin
from platform_core.db.schema import AnyRow
from platform_core.db.tables import installation
from platform_core.operations.tables import operation_continuations, operations

SHOWN_CHANGES = 100

changes = audit_changes.c
own_transaction = or_(
    select(literal(1)).where(operations.c.id == changes.operation_id, operations.c.xid == changes.xid).exists(),
    select(literal(1))
    .where(
        operation_continuations.c.operation_id == changes.operation_id,
        operation_continuations.c.xid == changes.xid,
    )
    .exists(),
)


def digest_key(connection: Connection) -> bytes:
    """The installation's key of input digests."""
    return connection.execute(select(installation.c.digest_key)).scalar_one()


def count_changes(connection: Connection, operation_id: UUID) -> int:
    """How many rows an operation changed, cascades included, those of our triggers not."""
    return connection.execute(
        select(func.count())
        .select_from(audit_changes)
        .where(changes.operation_id == operation_id, changes.origin != Origin.TRIGGER.value)
    ).scalar_one()


def change_list(connection: Connection, operation_id: UUID, limit: int | None = SHOWN_CHANGES) -> ChangeList:
    """The first changes of an operation, and how many there are in all."""
    total = connection.execute(
        select(func.count()).select_from(audit_changes).where(changes.operation_id == operation_id)
    ).scalar_one()
    rows = connection.execute(
        select(audit_changes, own_transaction.label("own"))
        .where(changes.operation_id == operation_id)
        .order_by(changes.seq)
        .limit(limit)
    )
    return ChangeList(total, tuple(_change(row) for row in rows))


def _change(row: AnyRow) -> Change:
    return Change(
        seq=row.seq,
        changed_at=row.changed_at,
        table=row.table_name,
        key=row.row_key,
        action=Action(row.action),
        origin=Origin(row.origin),
        before=row.before,
        after=row.after,
        login=row.session_user_name,
        application=row.application_name,
        forged=not row.own,
    )


def find_operation(connection: Connection, operation_id: UUID) -> AnyRow | None:
    """An operation's row, with the operation that undid it."""
    undoing = operations.alias("undoing")
    undone_by = select(undoing.c.id).where(undoing.c.undoes == operations.c.id).order_by(undoing.c.seq.desc()).limit(1)
    return connection.execute(
        select(operations, undone_by.scalar_subquery().label("undone_by")).where(operations.c.id == operation_id)
    ).first()


def list_operations(
    connection: Connection,
    *,
    limit: int | None,
    command: str | None = None,
    actor: str | None = None,
    table: str | None = None,
    key: str | None = None,
) -> Sequence[AnyRow]:
    """Operations, newest first; only those that touched a row where one is named."""
    undoing = operations.alias("undoing")
    columns = operations.c
    counted = select(func.count()).where(changes.operation_id == columns.id).scalar_subquery()
    undone_by = select(undoing.c.id).where(undoing.c.undoes == columns.id).order_by(undoing.c.seq.desc()).limit(1)
    statement = select(
        columns.id,
        columns.started_at,
        columns.command,
        columns.actor,
        columns.reason,
        columns.ticket,
        counted.label("changes"),
        undone_by.scalar_subquery().label("undone_by"),
    ).order_by(columns.seq.desc())
    if command is not None:
        statement = statement.where(columns.command == command)
    if actor is not None:
        statement = statement.where(columns.actor == actor)
    if table is not None or key is not None:
        touched = select(changes.operation_id)
        touched = touched if table is None else touched.where(changes.table_name == table)
        touched = touched if key is None else touched.where(changes.row_key == key)
        statement = statement.where(columns.id.in_(touched))
    return connection.execute(statement.limit(limit)).all()


# ---------------------------------------------------------------------------------------------------------------- undo

LATER_CHANGES = text(
    """
    SELECT DISTINCT mine.table_name, mine.row_key, later.operation_id
    FROM (
        SELECT table_name, row_key, max(seq) AS last_seq
        FROM agentadm.audit_changes
        WHERE operation_id = :operation_id AND origin <> 'trigger'
        GROUP BY table_name, row_key
    ) mine
    JOIN agentadm.audit_changes later
        ON later.table_name = mine.table_name AND later.row_key = mine.row_key AND later.seq > mine.last_seq
            AND later.operation_id <> :operation_id AND later.origin <> 'trigger'
    ORDER BY mine.table_name, mine.row_key
    LIMIT :limit
    """
)

SECRET_ROWS = text(
    """
    SELECT DISTINCT c.table_name, c.row_key
    FROM agentadm.audit_changes c
    CROSS JOIN LATERAL jsonb_each(c.before) e
    WHERE c.operation_id = :operation_id AND c.origin <> 'trigger'
        AND e.key = ANY (agentadm.secret_columns(c.table_name))
        AND e.value <> 'null'::jsonb
    ORDER BY c.table_name, c.row_key
    LIMIT :limit
    """
)

# For each row the state before the operation: the last image, overlaid by ever earlier ones. A row that began with an
# insert was not there before.
PREPARE_UNDO = text(
    """
    CREATE TEMPORARY TABLE undo_rows ON COMMIT DROP AS
    SELECT table_name, row_key,
        (array_agg(action ORDER BY seq))[1] <> 'insert' AS was_there,
        (array_agg(action ORDER BY seq DESC))[1] <> 'delete' AS is_there,
        (
            SELECT coalesce(jsonb_object_agg(e.key, e.value ORDER BY c2.seq DESC), '{}')
            FROM agentadm.audit_changes c2 CROSS JOIN LATERAL jsonb_each(c2.before) e
            WHERE c2.operation_id = :operation_id AND c2.table_name = c.table_name AND c2.row_key = c.row_key
                AND c2.origin <> 'trigger' AND c2.before IS NOT NULL
        ) AS image
    FROM agentadm.audit_changes c
    WHERE operation_id = :operation_id AND origin <> 'trigger'
    GROUP BY table_name, row_key
    """
)


def later_changes(connection: Connection, operation_id: UUID, limit: int) -> list[AnyRow]:
    """Rows of an operation that were changed since, with the operation that did."""
    return list(connection.execute(LATER_CHANGES, {"operation_id": operation_id, "limit": limit}).all())


def secret_rows(connection: Connection, operation_id: UUID, limit: int) -> list[AnyRow]:
    """Rows of an operation of which a secret column would have to be put back: the audit does not hold it."""
    return list(connection.execute(SECRET_ROWS, {"operation_id": operation_id, "limit": limit}).all())


def prepare_undo(connection: Connection, operation_id: UUID) -> list[str]:
    """Collect the state before an operation in a temporary table. Returns the tables that it touched."""
    connection.execute(PREPARE_UNDO, {"operation_id": operation_id})
    return list(connection.execute(text("SELECT DISTINCT table_name FROM undo_rows ORDER BY 1")).scalars())


def defer_constraints(connection: Connection) -> None:
    """Check foreign keys at COMMIT: rows come back in any order."""
    connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def undo_table(connection: Connection, table: str) -> tuple[int, int, int]:
    """Put the rows of one table back. Returns how many were inserted, updated and deleted.

    Column names come from the catalogue and are quoted by PostgreSQL; generated columns are left to it.
    """
    described = connection.execute(
        text(
            """
            SELECT format('agentadm.%I', :table_name::text) AS target,
                format_type(k.atttypid, k.atttypmod) AS key_type,
                string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
                string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (
                    WHERE a.attname IN (
                        SELECT DISTINCT key FROM undo_rows u CROSS JOIN LATERAL jsonb_object_keys(u.image) key
                        WHERE u.table_name = :table_name AND u.was_there AND u.is_there
                    )
                ) AS changed
            FROM pg_attribute a
            JOIN pg_attribute k ON k.attrelid = a.attrelid AND k.attname = 'id'
            WHERE a.attrelid = to_regclass(format('agentadm.%I', :table_name::text))
                AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            GROUP BY k.atttypid, k.atttypmod
            """.replace(":table_name::text", "CAST(:table_name AS text)")
        ),
        {"table_name": table},
    ).one()
    target, key_type, columns = described.target, described.key_type, described.columns
    parameters = {"table_name": table}
    deleted = connection.execute(
        text(
            f"DELETE FROM {target} t USING undo_rows u "  # noqa: S608 - names quoted by PostgreSQL itself
            f"WHERE u.table_name = :table_name AND NOT u.was_there AND u.is_there AND t.id = u.row_key::{key_type}"
        ),
        parameters,
    ).rowcount
    inserted = connection.execute(
        text(
            f"INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE "  # noqa: S608 - as above
            f"SELECT {', '.join('r.' + name for name in columns.split(', '))} "
            f"FROM undo_rows u CROSS JOIN LATERAL jsonb_populate_record(NULL::{target}, u.image) r "
            "WHERE u.table_name = :table_name AND u.was_there AND NOT u.is_there"
        ),
        parameters,
    ).rowcount
    updated = 0
    if described.changed is not None:
        updated = connection.execute(
            text(
                f"UPDATE {target} t SET ({described.changed}) = ("  # noqa: S608 - as above
                f"SELECT {', '.join('r.' + name for name in described.changed.split(', '))} "
                "FROM jsonb_populate_record(t, u.image) r) "
                f"FROM undo_rows u WHERE u.table_name = :table_name AND u.was_there AND u.is_there "
                f"AND t.id = u.row_key::{key_type}"
            ),
            parameters,
        ).rowcount
    return inserted, updated, deleted


# Rows that a foreign key's cascade took along, and that the undone operation had not made.
TAKEN_ALONG = text(
    """
    SELECT mine.table_name, mine.row_key
    FROM agentadm.audit_changes mine
    WHERE mine.operation_id = :undo_id AND mine.origin = 'cascade'
        AND NOT EXISTS (
            SELECT FROM agentadm.audit_changes theirs
            WHERE theirs.operation_id = :operation_id AND theirs.table_name = mine.table_name
                AND theirs.row_key = mine.row_key
        )
    ORDER BY mine.table_name, mine.row_key
    LIMIT :limit
    """
)


def rows_taken_along(connection: Connection, undo_id: UUID, operation_id: UUID, limit: int) -> list[AnyRow]:
    """Rows that an undo changed by cascade although the undone operation had not."""
    return list(
        connection.execute(TAKEN_ALONG, {"undo_id": undo_id, "operation_id": operation_id, "limit": limit}).all()
    )


# --------------------------------------------------------------------------------------------------------------- seals

# Both tables share one sequence; each row's text form is hashed by itself, then all of them in order. The columns are
# named, so that a column added later does not break old seals.
RANGE_DIGEST = text(
    """
    SELECT count(*) FILTER (WHERE kind = 'operation') AS operations,
        count(*) FILTER (WHERE kind = 'change') AS changes,
        sha256(
            CAST(:previous AS bytea) || coalesce(string_agg(row_digest, ''::bytea ORDER BY seq, kind), ''::bytea)
        ) AS digest
    FROM (
        SELECT seq, 'operation' AS kind, sha256(convert_to(ROW(
            id, started_at, command, arguments, reason, ticket, idempotency_key, actor, session_user_name,
            application_name, os_user, host, undoes, schema_version, xid
        )::text, 'UTF8')) AS row_digest
        FROM agentadm.operations o WHERE seq BETWEEN :from_seq AND :to_seq
        UNION ALL
        SELECT seq, 'change', sha256(convert_to(ROW(
            changed_at, operation_id, table_name, row_key, action, origin, before, after, session_user_name,
            application_name, xid
        )::text, 'UTF8'))
        FROM agentadm.audit_changes c WHERE seq BETWEEN :from_seq AND :to_seq
    ) covered
    """
)


def close_range(connection: Connection) -> tuple[int, int]:
    """The last sealed place, and the newest place below which nothing can appear any more.

    Waits for transactions that are writing audit rows, and holds up others for the moment of one query.
    """
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    sealed = connection.execute(select(func.coalesce(func.max(audit_seals.c.to_seq), 0))).scalar_one()
    connection.execute(text("LOCK TABLE agentadm.operations, agentadm.audit_changes IN SHARE MODE"))
    newest = connection.execute(
        text(
            "SELECT coalesce(greatest((SELECT max(seq) FROM agentadm.operations),"
            " (SELECT max(seq) FROM agentadm.audit_changes)), 0)"
        )
    ).scalar_one()
    return sealed, newest


def range_digest(connection: Connection, previous: bytes, from_seq: int, to_seq: int) -> AnyRow:
    """Counts and digest of a range, chained to the digest before."""
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    connection.execute(text("SET LOCAL extra_float_digits = 1"))
    return connection.execute(
        RANGE_DIGEST.bindparams(bindparam("previous", type_=LargeBinary)),
        {"previous": previous, "from_seq": from_seq, "to_seq": to_seq},
    ).one()


def insert_seal(connection: Connection, from_seq: int, to_seq: int, found: AnyRow) -> None:
    """Seal a range."""
    connection.execute(
        insert(audit_seals).values(
            from_seq=from_seq,
            to_seq=to_seq,
            operations=found.operations,
            changes=found.changes,
            digest=found.digest,
        )
    )


def seals(connection: Connection) -> Sequence[AnyRow]:
    """All seals in order."""
    return connection.execute(select(audit_seals).order_by(audit_seals.c.from_seq)).all()


def count_unsealed(connection: Connection, after_seq: int) -> int:
    """How many operations and changes came after the last seal."""
    found: int = connection.execute(
        text(
            "SELECT (SELECT count(*) FROM agentadm.operations WHERE seq > :after)"
            " + (SELECT count(*) FROM agentadm.audit_changes WHERE seq > :after)"
        ),
        {"after": after_seq},
    ).scalar_one()
    return found


def forged_changes(connection: Connection, limit: int) -> list[AnyRow]:
    """Changes filed under an operation whose transaction was another one."""
    return list(
        connection.execute(
            select(
                changes.operation_id,
                changes.table_name,
                changes.row_key,
                changes.session_user_name.label("login"),
            )
            .where(~own_transaction)
            .order_by(changes.seq)
            .limit(limit)
        ).all()
    )
