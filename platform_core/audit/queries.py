"""Every statement about the audit."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
from platform_core.db.reference_queries import CANDIDATES, ends_with
from platform_core.db.schema import AnyRow, masked_columns
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.masking import masked
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


def count_changes(connection: Connection, operation_id: UUID) -> int:
    """How many rows an operation changed, cascades included, those of our triggers not."""
    return connection.execute(
        select(func.count())
        .select_from(audit_changes)
        .where(changes.operation_id == operation_id, changes.origin != Origin.TRIGGER.value)
    ).scalar_one()


def change_list(
    connection: Connection, operation_id: UUID, limit: int | None = SHOWN_CHANGES, *, reveal: bool = False
) -> ChangeList:
    """The first changes of an operation, and how many there are in all. What is masked is masked unless `reveal`."""
    masks = {} if reveal else masked_columns()
    total = connection.execute(
        select(func.count()).select_from(audit_changes).where(changes.operation_id == operation_id)
    ).scalar_one()
    rows = connection.execute(
        select(audit_changes, own_transaction.label("own"))
        .where(changes.operation_id == operation_id)
        .order_by(changes.seq)
        .limit(limit)
    )
    return ChangeList(total, tuple(_change(row, masks) for row in rows))


def _change(row: AnyRow, masks: Mapping[str, tuple[str, ...]]) -> Change:
    hidden = masks.get(row.table_name, ())
    return Change(
        seq=row.seq,
        changed_at=row.changed_at,
        table=row.table_name,
        key=row.row_key,
        action=Action(row.action),
        origin=Origin(row.origin),
        before=_masked_image(row.before, hidden),
        after=_masked_image(row.after, hidden),
        login=row.session_user_name,
        application=row.application_name,
        forged=not row.own,
    )


def _masked_image(image: dict[str, Any] | None, hidden: tuple[str, ...]) -> dict[str, Any] | None:
    if image is None or not hidden:
        return image
    return {name: masked(value) if name in hidden else value for name, value in image.items()}


def operations_ending_with(connection: Connection, ending: str) -> list[tuple[UUID, str]]:
    """Operations whose id ends so, each with its command."""
    statement = select(operations.c.id, operations.c.command).where(ends_with(operations.c.id, ending))
    return [(row.id, row.command) for row in connection.execute(statement.limit(CANDIDATES))]


undoing = operations.alias("undoing")
# What a row of the list has beyond the operation's own columns.
COUNTED = select(func.count()).where(changes.operation_id == operations.c.id).scalar_subquery()
UNDONE_BY = (
    select(undoing.c.id)
    .where(undoing.c.undoes == operations.c.id)
    .order_by(undoing.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
SUMMARY = ("id", "started_at", "command", "actor", "reason", "ticket")
# Operations of one moment stay in the order of the audit.
LIST = ListSpec(
    fields={
        **fields_of(operations, words={}, leave_out=frozenset({"session_user_name", "application_name", "xid"})),
        "login": Field(operations.c.session_user_name, Kind.TEXT),
        "application": Field(operations.c.application_name, Kind.TEXT),
        "changes": Field(COUNTED, Kind.INTEGER),
        "undone_by": Field(UNDONE_BY, Kind.ID),
    },
    columns={**{name: operations.c[name] for name in SUMMARY}, "changes": COUNTED, "undone_by": UNDONE_BY},
    sorts={"started_at": Sort(operations.c.started_at)},
    default_sort="-started_at",
    key=operations.c.seq,
    time=operations.c.started_at,
)


def find_operation(connection: Connection, operation_id: UUID) -> AnyRow | None:
    """An operation's row, with the operation that undid it."""
    statement = select(operations, UNDONE_BY.label("undone_by")).where(operations.c.id == operation_id)
    return connection.execute(statement).first()


def list_filters(
    *, command: str | None, actor: str | None, table: str | None, key: str | None
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions; `table` and `key` keep operations that touched such a row."""
    filters: list[ColumnElement[bool]] = [operations.c.command == command] if command is not None else []
    filters += [operations.c.actor == actor] if actor is not None else []
    if table is not None or key is not None:
        touched = select(changes.operation_id)
        touched = touched if table is None else touched.where(changes.table_name == table)
        touched = touched if key is None else touched.where(changes.row_key == key)
        filters.append(operations.c.id.in_(touched))
    return filters


# --------------------------------------------------------------------------------------------------------------- seals

RANGE_DIGEST = text("SELECT * FROM agentadm.range_digest(:previous, :from_seq, :to_seq)")


def close_range(connection: Connection) -> int:
    """The newest place in the order of the audit; nothing can appear below it any more.

    Waits for transactions that are writing audit rows, and holds up others until the end of this one.
    """
    connection.execute(text("SELECT agentadm.close_audit()"))
    newest: int = connection.execute(
        text(
            "SELECT coalesce(greatest((SELECT max(seq) FROM agentadm.operations),"
            " (SELECT max(seq) FROM agentadm.audit_changes)), 0)"
        )
    ).scalar_one()
    return newest


def set_text_forms(connection: Connection) -> None:
    """Write values as text, in the rest of the transaction, as the audit does, whatever the session has set."""
    connection.execute(
        text(
            "SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),"
            " set_config('intervalstyle', 'iso_8601', true), set_config('extra_float_digits', '1', true)"
        )
    )


def range_digest(connection: Connection, previous: bytes, from_seq: int, to_seq: int) -> AnyRow:
    """Counts and digest of a range, chained to the digest before. The text forms are set."""
    return connection.execute(
        RANGE_DIGEST.bindparams(
            bindparam("previous", type_=LargeBinary),
            bindparam("from_seq", type_=BigInteger),
            bindparam("to_seq", type_=BigInteger),
        ),
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


def repeated_operations(connection: Connection, limit: int) -> list[UUID]:
    """Ids under which there is more than one operation."""
    columns = operations.c
    return list(
        connection.execute(
            select(columns.id).group_by(columns.id).having(func.count() > 1).order_by(columns.id).limit(limit)
        ).scalars()
    )
