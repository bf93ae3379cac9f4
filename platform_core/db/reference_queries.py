"""Conditions that references share."""

from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_

from platform_core.refs import UUID_ENDING_LENGTH, as_uuid, as_uuid_ending


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
