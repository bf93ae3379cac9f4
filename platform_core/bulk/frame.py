"""What all runs in several transactions are made of: what to say when one is cut short, and keys that hold for all."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from platform_core.db.session import InFlight, Phase, Sessions
from platform_core.errors import AgentadmError, Conflict, Interrupted, Terminated
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.signals import Termination

if TYPE_CHECKING:
    from platform_core.platform import Platform

T = TypeVar("T")


def unfinished(what: str, done: int) -> Conflict:
    """What to say where an earlier run was cut short, and nobody says what to do with it."""
    return Conflict(
        f"an earlier run of these {what} was cut short after {done:,}",
        "go on with it: --resume; forget it and begin anew: --restart",
    )


def how_to_go_on(write: WriteRequest) -> str:
    """What to do next after a run was cut short."""
    if write.idempotency_key is not None:
        return "go on exactly there: repeat the command with the same idempotency key"
    return "go on exactly there: repeat the command with --resume"


def interruption(
    platform: "Platform",
    signal: BaseException,
    before: InFlight | None,
    told: Callable[[bool], str],
    write: WriteRequest,
) -> AgentadmError:
    """What to say after a signal: how far the run has come, the part under way included.

    Args:
        platform: where it ran.
        signal: as it was raised.
        before: the last change whose result is known.
        told: how far it has come; is told whether the part under way was committed.
        write: what was asked for.
    """
    terminated = isinstance(signal, (Terminated, Termination))
    under_way = platform.sessions.in_flight
    if isinstance(signal, KeyboardInterrupt):
        platform.database.forget()
    done = under_way is not None and under_way is not before and under_way.phase is Phase.COMMITTED
    word = "ended by SIGTERM" if terminated else "interrupted"
    return (Terminated if terminated else Interrupted)(f"{word}; {told(done)}", how_to_go_on(write))


def under_key(
    sessions: Sessions,
    write: WriteRequest,
    result_type: Any,
    work: Callable[[Outcome[Any]], T],
    is_final: Callable[[T], bool],
) -> tuple[T, Outcome[None] | None]:
    """Make a whole run repeatable exactly once: a repeat goes on with what was cut short.

    Args:
        sessions: where it runs.
        write: with its idempotency key.
        result_type: of what the run answers.
        work: the run; `replayed` of its argument says that it goes on.
        is_final: whether a repeat is to answer the same.

    Returns:
        What the run answered, and the replay if it was one.
    """
    first = sessions.write(write, lambda _services: None, result_type | None, goes_on=True)
    stored: Any = first.value
    if stored is not None:
        return stored, replace(first, value=None)
    result = work(first)
    if is_final(result):
        key = str(write.idempotency_key)
        sessions.go_on(first.operation_id, lambda services: services.operations.keep_result(key, result))
    return result, None
