"""Undo: the changes of an operation are taken back one after the other, newest first, by their before-images.

Each state on the way back was there on the way forth, so that no rule of the schema stands in the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from platform_core.audit import undo_queries as queries
from platform_core.audit.queries import set_text_forms
from platform_core.audit.types import Action, UndoResult
from platform_core.audit.undo_queries import Shape, Step
from platform_core.errors import Conflict

NAMED_ROWS = 20
TAKEN = frozenset({"23505", "23P01"})


def undo(connection: Connection, operation_id: UUID, undo_id: UUID) -> UndoResult:
    """Put every row that an operation changed back to how it was before.

    Args:
        connection: inside the transaction of `undo_id`.
        operation_id: what to undo; made under this version of the schema.
        undo_id: the operation that does it.

    Raises:
        Conflict: a row was changed since, a secret would be needed, or rows that the operation did not make would be
            taken along. The caller rolls back then.
    """
    shapes = _shapes(connection, operation_id)
    for table, shape in shapes.items():
        queries.lock_rows(connection, operation_id, table, shape)
    set_text_forms(connection)
    _refuse_changed_since(connection, operation_id, shapes)
    if secret := queries.secret_rows(connection, operation_id, NAMED_ROWS):
        raise Conflict(
            f"the audit keeps only fingerprints of secrets, needed for: {_named(secret)}", "make a new secret instead"
        )
    if erased := queries.erased_rows(connection, operation_id, NAMED_ROWS):
        raise Conflict(f"of people who were erased or merged nothing comes back: {_named(erased)}", "make it anew")
    queries.begin(connection)
    for step in queries.steps(connection, operation_id):
        _take_back(connection, operation_id, step, shapes[step.table])
    if along := queries.rows_taken_along(connection, undo_id, operation_id, NAMED_ROWS):
        raise Conflict(
            f"these rows came later and would be lost: {_named(along)}", "remove or move them first, then undo"
        )
    _refuse_losses(connection, operation_id, shapes)
    return queries.count_rows(connection, operation_id)


def _shapes(connection: Connection, operation_id: UUID) -> Mapping[str, Shape]:
    found = {}
    for table in queries.touched_tables(connection, operation_id):
        shape = queries.shape_of(connection, table)
        if shape is None:
            raise Conflict(f"table {table} is not there any more", "what was in it cannot be put back")
        found[table] = shape
    return found


def _refuse_changed_since(connection: Connection, operation_id: UUID, shapes: Mapping[str, Shape]) -> None:
    later: list[Any] = []
    for table, shape in shapes.items():
        later += queries.changed_since(connection, operation_id, table, shape, NAMED_ROWS - len(later))
    if later:
        newest = {row.operation_id for row in later}
        if len(newest) == 1 and _takes_back(connection, done := newest.pop(), operation_id):
            raise Conflict(
                f"operation {operation_id} was undone already, by operation {done}",
                f"nothing is left to do; to make its changes again: agentadm audit undo {done}",
                operation_id=str(done),
            )
        told = [f"{row.table_name} {row.row_key} (by operation {row.operation_id})" for row in later]
        raise Conflict(f"changed since: {_listed(told)}", "undo the later operations first, newest first")


def _takes_back(connection: Connection, later: UUID, operation_id: UUID) -> bool:
    """Whether an operation is an undo of another; the undo of an undo is none, and so on."""
    found: UUID | None = later
    steps = 0
    while found is not None and found != operation_id:
        found = queries.undone_by(connection, found)
        steps += 1
    return found is not None and steps % 2 == 1


def _take_back(connection: Connection, operation_id: UUID, step: Step, shape: Shape) -> None:
    """Undo a step by one statement; in halves, newest first, where values move between its rows."""
    if step.action is not Action.UPDATE or step.first_seq == step.last_seq:
        queries.take_back(connection, operation_id, step, shape)
        return
    try:
        with connection.begin_nested():
            queries.take_back(connection, operation_id, step, shape)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) not in TAKEN:
            raise
        middle = (step.first_seq + step.last_seq) // 2
        _take_back(connection, operation_id, replace(step, first_seq=middle + 1), shape)
        _take_back(connection, operation_id, replace(step, last_seq=middle), shape)


def _refuse_losses(connection: Connection, operation_id: UUID, shapes: Mapping[str, Shape]) -> None:
    """Look whether a cascade on the way back took what was to stay: deferred constraints allow odd orders."""
    for table, shape in shapes.items():
        if lost := queries.rows_not_as_before(connection, operation_id, table, shape, NAMED_ROWS):
            raise Conflict(
                f"these rows cannot be put back as they were: {_named(lost)}", "look at the operation, change by hand"
            )


def _named(rows: Sequence[Any]) -> str:
    return _listed([f"{row.table_name} {row.row_key}" for row in rows])


def _listed(told: Sequence[str]) -> str:
    return ", ".join(told) + (" and more" if len(told) == NAMED_ROWS else "")
