"""Every statement of undo. Names of tables and columns come from the catalogue, quoted by PostgreSQL itself.

A whole row is called target_row: a shorter name could be one of its columns.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection, select, text

from platform_core.audit.types import Action, UndoResult
from platform_core.db.schema import AnyRow
from platform_core.operations.tables import operations

# Rows of an operation: whether each was there before it, and after it. Derived ones are derived again.
TOUCHED = """
    SELECT table_name, row_key, min(seq) AS first_seq, max(seq) AS last_seq,
        coalesce((array_agg(action ORDER BY seq) FILTER (WHERE action <> 'update'))[1] <> 'insert', true) AS was_there,
        coalesce((array_agg(action ORDER BY seq DESC) FILTER (WHERE action <> 'update'))[1] <> 'delete', true)
            AS is_there
    FROM agentadm.audit_changes
    WHERE operation_id = :operation_id AND origin <> 'trigger'
    GROUP BY table_name, row_key
"""


@dataclass(frozen=True)
class Step:
    """Changes of one table and kind that follow each other, of no row two: undone by one statement."""

    table: str
    action: Action
    first_seq: int
    last_seq: int


@dataclass(frozen=True)
class Shape:
    """What a table looks like: its name, the type of its key, and its columns; those without secrets are `readable`.

    `settable` leaves out what an UPDATE must not or cannot set: key, secrets, identities.
    """

    target: str
    key_type: str
    readable: tuple[str, ...]
    insertable: tuple[str, ...]
    settable: dict[str, str]


def touched_tables(connection: Connection, operation_id: UUID) -> list[str]:
    """The tables that an operation touched."""
    return list(
        connection.execute(
            text(
                "SELECT DISTINCT table_name FROM agentadm.audit_changes"
                " WHERE operation_id = :operation_id AND origin <> 'trigger' ORDER BY 1"
            ),
            {"operation_id": operation_id},
        ).scalars()
    )


def shape_of(connection: Connection, table: str) -> Shape | None:
    """A table as the catalogue has it; None when there is no such table."""
    columns = connection.execute(
        text(
            """
            SELECT format('agentadm.%I', CAST(:table_name AS text)) AS target, a.attname AS name,
                quote_ident(a.attname) AS quoted, format_type(a.atttypid, a.atttypmod) AS type,
                a.attname = 'id' OR a.attidentity = 'a' AS fixed,
                a.attname = ANY (agentadm.secret_columns(CAST(:table_name AS text))) AS secret
            FROM pg_attribute a
            WHERE a.attrelid = to_regclass(format('agentadm.%I', CAST(:table_name AS text)))
                AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            ORDER BY a.attnum
            """
        ),
        {"table_name": table},
    ).all()
    if not columns:
        return None
    return Shape(
        target=columns[0].target,
        key_type=next(column.type for column in columns if column.name == "id"),
        readable=tuple(column.quoted for column in columns if not column.secret),
        insertable=tuple(column.quoted for column in columns),
        settable={column.name: column.quoted for column in columns if not (column.fixed or column.secret)},
    )


def lock_rows(connection: Connection, operation_id: UUID, table: str, shape: Shape) -> None:
    """Keep others from the rows until COMMIT, so that nothing changes between the checks and the change."""
    connection.execute(
        text(
            f"""
            SELECT count(*) FROM (
                SELECT FROM {shape.target} t
                WHERE t.id IN (
                    SELECT CAST(row_key AS {shape.key_type}) FROM agentadm.audit_changes
                    WHERE operation_id = :operation_id AND table_name = :table_name AND origin <> 'trigger'
                )
                ORDER BY t.id
                FOR UPDATE
            ) locked
            """  # noqa: S608 - names quoted by PostgreSQL itself
        ),
        {"operation_id": operation_id, "table_name": table},
    )


def undone_by(connection: Connection, operation_id: UUID) -> UUID | None:
    """What an operation undoes, if it is an undo."""
    return connection.execute(select(operations.c.undoes).where(operations.c.id == operation_id)).scalar_one_or_none()


def changed_since(connection: Connection, operation_id: UUID, table: str, shape: Shape, limit: int) -> list[AnyRow]:
    """Rows of an operation that are not as it left them, each with the newest other operation that changed it.

    The before-images of later changes tell how it left them: a change that was undone, whoever undid it, is none.
    """
    return list(
        connection.execute(
            text(
                f"""
                WITH later AS (
                    SELECT l.row_key, l.operation_id, l.seq, l.action, l.before, l.seq < mine.last_seq AS amid
                    FROM ({TOUCHED}) mine
                    JOIN agentadm.audit_changes l
                        ON l.table_name = mine.table_name AND l.row_key = mine.row_key AND l.seq > mine.first_seq
                    WHERE mine.table_name = :table_name
                        AND l.operation_id <> :operation_id AND l.origin <> 'trigger'
                ), rewound AS (
                    SELECT l.row_key, jsonb_object_agg(e.key, e.value ORDER BY l.seq DESC) AS image
                    FROM later l CROSS JOIN LATERAL jsonb_each(l.before) e
                    GROUP BY l.row_key
                ), state AS (
                    SELECT row_key, (array_agg(operation_id ORDER BY seq DESC))[1] AS operation_id,
                        bool_or(amid) AS amid,
                        coalesce(
                            (array_agg(action ORDER BY seq) FILTER (WHERE action <> 'update'))[1] <> 'insert', true
                        ) AS was_there
                    FROM later
                    GROUP BY row_key
                )
                SELECT CAST(:table_name AS text) AS table_name, s.row_key, s.operation_id
                FROM state s
                LEFT JOIN rewound r ON r.row_key = s.row_key
                LEFT JOIN (SELECT {", ".join(shape.readable)} FROM {shape.target}) target_row
                    ON target_row.id = CAST(s.row_key AS {shape.key_type})
                WHERE s.amid OR s.was_there <> (target_row.id IS NOT NULL)
                    OR s.was_there
                        AND CAST(to_jsonb(target_row) || r.image AS text) <> CAST(to_jsonb(target_row) AS text)
                ORDER BY s.row_key LIMIT :limit
                """  # noqa: S608 - as above
            ),
            {"operation_id": operation_id, "table_name": table, "limit": limit},
        ).all()
    )


def secret_rows(connection: Connection, operation_id: UUID, limit: int) -> list[AnyRow]:
    """Rows of an operation of which a secret column would have to be put back: the audit does not hold it."""
    return list(
        connection.execute(
            text(
                f"""
                SELECT DISTINCT c.table_name, c.row_key
                FROM ({TOUCHED}) mine
                JOIN agentadm.audit_changes c ON c.table_name = mine.table_name AND c.row_key = mine.row_key
                CROSS JOIN LATERAL jsonb_each(c.before) e
                WHERE mine.was_there AND c.operation_id = :operation_id AND c.origin <> 'trigger'
                    AND mine.table_name IN (
                        SELECT s.table_name
                        FROM (SELECT DISTINCT table_name FROM ({TOUCHED}) touched) s
                        WHERE agentadm.secret_columns(s.table_name) <> '{{}}'
                    )
                    AND e.key = ANY (agentadm.secret_columns(c.table_name)) AND e.value <> 'null'
                ORDER BY c.table_name, c.row_key
                LIMIT :limit
                """  # noqa: S608 - of constants
            ),
            {"operation_id": operation_id, "limit": limit},
        ).all()
    )


def erased_rows(connection: Connection, operation_id: UUID, limit: int) -> list[AnyRow]:
    """Rows of an operation of which something was erased, or that name a user who was erased or merged."""
    return list(
        connection.execute(
            text(
                """
                SELECT DISTINCT c.table_name, c.row_key
                FROM agentadm.audit_changes c
                CROSS JOIN LATERAL jsonb_each(c.before) e
                WHERE c.operation_id = :operation_id AND c.origin <> 'trigger' AND (
                    e.value = '{"erased": true}' OR EXISTS (
                        SELECT FROM agentadm.person_columns() p
                        JOIN agentadm.users u ON u.id::text = e.value #>> '{}'
                        WHERE p.table_name = c.table_name AND p.link_column = e.key AND p.via_table IS NULL
                            AND p.link_column <> 'id' AND (u.erased_at IS NOT NULL OR u.merged_into_id IS NOT NULL)
                    )
                )
                ORDER BY 1, 2
                LIMIT :limit
                """
            ),
            {"operation_id": operation_id, "limit": limit},
        ).all()
    )


def begin(connection: Connection) -> None:
    """Check foreign keys at COMMIT, for rows come back in any order; and keep updated_at as it is put back."""
    connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    connection.execute(text("SELECT set_config('app.undoing', 'on', true)"))


def steps(connection: Connection, operation_id: UUID) -> list[Step]:
    """How to take an operation back, newest change first: what a foreign key's cascade did came after its cause."""
    rows = connection.execute(
        text(
            """
            SELECT seq, table_name, action,
                lag(seq) OVER (PARTITION BY table_name, row_key ORDER BY seq) AS previous_seq
            FROM agentadm.audit_changes
            WHERE operation_id = :operation_id AND origin <> 'trigger'
            ORDER BY seq
            """
        ),
        {"operation_id": operation_id},
    )
    found: list[Step] = []
    for row in rows:
        last = found[-1] if found else None
        if (
            last is not None
            and (last.table, last.action) == (row.table_name, row.action)
            and (row.previous_seq is None or row.previous_seq < last.first_seq)
        ):
            found[-1] = replace(last, last_seq=row.seq)
        else:
            found.append(Step(row.table_name, Action(row.action), row.seq, row.seq))
    return found[::-1]


def take_back(connection: Connection, operation_id: UUID, step: Step, shape: Shape) -> None:
    """Undo the changes of one step."""
    part = (
        "SELECT row_key, before FROM agentadm.audit_changes WHERE operation_id = :operation_id"
        " AND seq BETWEEN :first_seq AND :last_seq AND origin <> 'trigger'"
    )
    parameters = {"operation_id": operation_id, "first_seq": step.first_seq, "last_seq": step.last_seq}
    target, same_row = shape.target, f"target_row.id = CAST(c.row_key AS {shape.key_type})"
    if step.action is Action.INSERT:
        statement = f"DELETE FROM {target} target_row USING ({part}) c WHERE {same_row}"  # noqa: S608 - as above
    elif step.action is Action.DELETE:
        statement = (
            f"INSERT INTO {target} ({', '.join(shape.insertable)}) OVERRIDING SYSTEM VALUE "  # noqa: S608 - as above
            f"SELECT {', '.join('r.' + name for name in shape.insertable)} "
            f"FROM ({part}) c CROSS JOIN LATERAL jsonb_populate_record(CAST(NULL AS {target}), c.before) r"
        )
    else:
        keys = connection.execute(
            text(f"SELECT DISTINCT jsonb_object_keys(before) FROM ({part}) c"),  # noqa: S608 - as above
            parameters,
        ).scalars()
        names = {key: shape.settable[key] for key in sorted(keys) if key in shape.settable}
        if not names:
            return
        # Not the whole row: not everybody may read the secrets in it.
        values = [
            f"CASE WHEN c.before ? :key_{place} THEN r.{name} ELSE target_row.{name} END"
            for place, name in enumerate(names.values())
        ]
        parameters |= {f"key_{place}": key for place, key in enumerate(names)}
        statement = (
            f"UPDATE {target} target_row SET ({', '.join(names.values())}) = ("  # noqa: S608 - as above
            f"SELECT {', '.join(values)} FROM jsonb_populate_record(CAST(NULL AS {target}), c.before) r) "
            f"FROM ({part}) c WHERE {same_row}"
        )
    connection.execute(text(statement), parameters)


def count_rows(connection: Connection, operation_id: UUID) -> UndoResult:
    """How many rows the undo of an operation inserts, updates and deletes."""
    found = connection.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE was_there AND NOT is_there) AS inserted,
                count(*) FILTER (WHERE was_there AND is_there) AS updated,
                count(*) FILTER (WHERE NOT was_there AND is_there) AS deleted
            FROM ({TOUCHED}) touched
            """  # noqa: S608 - of constants
        ),
        {"operation_id": operation_id},
    ).one()
    return UndoResult(operation_id, found.inserted, found.updated, found.deleted)


def rows_taken_along(connection: Connection, undo_id: UUID, operation_id: UUID, limit: int) -> list[AnyRow]:
    """Rows that an undo changed although the undone operation had not: cascades took them along."""
    return list(
        connection.execute(
            text(
                """
                SELECT DISTINCT mine.table_name, mine.row_key
                FROM agentadm.audit_changes mine
                WHERE mine.operation_id = :undo_id AND mine.origin <> 'trigger'
                    AND NOT EXISTS (
                        SELECT FROM agentadm.audit_changes theirs
                        WHERE theirs.operation_id = :operation_id AND theirs.table_name = mine.table_name
                            AND theirs.row_key = mine.row_key
                    )
                    -- A version stays when the change that made it is undone, and goes with the row that it is of.
                    AND NOT EXISTS (
                        SELECT FROM agentadm.audit_changes made
                        JOIN agentadm.operations undo ON undo.undoes = made.operation_id
                        WHERE made.table_name = mine.table_name AND made.row_key = mine.row_key
                            AND made.action = 'insert' AND made.origin = 'trigger'
                    )
                ORDER BY mine.table_name, mine.row_key
                LIMIT :limit
                """
            ),
            {"undo_id": undo_id, "operation_id": operation_id, "limit": limit},
        ).all()
    )


def rows_not_as_before(
    connection: Connection, operation_id: UUID, table: str, shape: Shape, limit: int
) -> list[AnyRow]:
    """Rows of an operation that are there and were not, or the other way round."""
    return list(
        connection.execute(
            text(
                f"""
                SELECT mine.table_name, mine.row_key
                FROM ({TOUCHED}) mine
                LEFT JOIN {shape.target} t ON t.id = CAST(mine.row_key AS {shape.key_type})
                WHERE mine.table_name = :table_name AND mine.was_there <> (t.id IS NOT NULL)
                ORDER BY mine.row_key
                LIMIT :limit
                """  # noqa: S608 - as above
            ),
            {"operation_id": operation_id, "table_name": table, "limit": limit},
        ).all()
    )
