"""Transactions that are in the way of others: rolled back, and run again."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from platform_core.db.engine import translated

T = TypeVar("T")

ATTEMPTS = 3
# A serialization failure, and a deadlock.
RERUN_STATES = frozenset({"40001", "40P01"})


class Rerun(Exception):
    """The transaction was in the way of another; it was rolled back and may be run again."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def is_in_the_way(error: BaseException) -> bool:
    """Whether the database gave a transaction up for the sake of another."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in RERUN_STATES


def rerun(run: Callable[[], T]) -> T:
    """Run a transaction, again while it is in the way of others, at most three times.

    Raises:
        TryAgain: it still is.
    """
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    attempts = Retrying(
        retry=retry_if_exception_type(Rerun),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.05, max=1),
        reraise=True,
    )
    try:
        return attempts(run)
    except Rerun as error:
        raise translated(error.error) from error.error
