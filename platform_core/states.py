"""What state follows what: one way to move along the edges that a noun allows."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from platform_core.errors import Conflict

S = TypeVar("S", bound=StrEnum)


def may_become(what: str, now: S, wanted: S, edges: Mapping[S, Sequence[S]]) -> bool:
    """Whether there is something to change. What the trigger would refuse is refused here, in the same words.

    Args:
        what: noun and name, for a message.
        now: the state it is in.
        wanted: the state it is to be in.
        edges: what may follow what.

    Raises:
        Conflict: this state does not follow that.
    """
    if now is wanted:
        return False
    if wanted not in (legal := edges[now]):
        hint = f"from {now} it can become: {', '.join(legal)}" if legal else f"{now} is final"
        raise Conflict(f"{what} is {now}, and cannot become {wanted}", hint)
    return True
