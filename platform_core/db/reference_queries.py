"""Conditions that references share."""

from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, func

from platform_core.refs import UUID_ENDING_LENGTH


def ends_with(column: ColumnElement[UUID], ending: str) -> ColumnElement[bool]:
    """Whether a UUID ends so. Its first part uses an index on the last eight digits."""
    text = cast(column, Text)
    last = ending.replace("-", "")[-UUID_ENDING_LENGTH:]
    return and_(func.right(text, UUID_ENDING_LENGTH) == last, text.endswith(ending, autoescape=True))
