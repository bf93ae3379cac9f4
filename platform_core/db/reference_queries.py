"""What references share: conditions, and what stands around one that names nothing."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, func, or_, select

from platform_core.refs import UUID_ENDING_LENGTH, as_uuid, as_uuid_ending

# How many candidates of a reference are named, and how many of what stands on either side of one.
CANDIDATES = 10


def ends_with(column: ColumnElement[UUID], ending: str) -> ColumnElement[bool]:
    """Whether a UUID ends so. Its first part uses an index on the last eight digits."""
    text = cast(column, Text)
    last = ending.replace("-", "")[-UUID_ENDING_LENGTH:]
    return and_(func.right(text, UUID_ENDING_LENGTH) == last, text.endswith(ending, autoescape=True))


def named_or_id(key: ColumnElement[UUID], name: ColumnElement[str], reference: str) -> ColumnElement[bool]:
    """Whether a row has this name, whatever its case, or this id, or an id that ends so. Each uses its own index."""
    whole = as_uuid(reference)
    if whole is not None:
        return key == whole
    named = func.lower(name) == reference.lower()
    ending = as_uuid_ending(reference)
    return named if ending is None else or_(named, ends_with(key, ending))


def around(
    connection: Connection,
    value: ColumnElement[Any],
    start: str,
    *where: ColumnElement[bool],
    shown: ColumnElement[Any] | None = None,
) -> dict[str, str]:
    """What stands around a text in an index, on either side.

    Args:
        connection: to read on.
        value: what the index is of.
        start: the text.
        where: what holds of the rows, too.
        shown: the reference that each would be, where that is not the value itself.
    """
    found: dict[str, str] = {}
    for side, order in ((value >= start, value), (value < start, value.desc())):
        near = select(value, value if shown is None else shown).where(side, *where).order_by(order).limit(CANDIDATES)
        found |= {row[0]: row[1] for row in connection.execute(near)}
    return found
