"""What somebody may have meant by a mistyped name."""

from collections.abc import Iterable, Mapping

CUTOFF = 0.6


def nearest(given: str, known: Iterable[str], *, count: int = 1, cutoff: float = CUTOFF) -> list[str]:
    """The known names that are nearest to what was given, the nearest first; none when all are far away."""
    from difflib import get_close_matches

    return get_close_matches(given, list(known), n=count, cutoff=cutoff)


def near_hint(given: str, around: Mapping[str, str], hint: str, *, cutoff: float = CUTOFF) -> str:
    """A hint, behind the reference that may have been meant; by itself when all are far away.

    Args:
        given: what was looked for.
        around: what is known, each with the reference that it would be.
        hint: how to name one.
        cutoff: how near is near.
    """
    near = nearest(given, around, cutoff=cutoff)
    return f"did you mean {around[near[0]]!r}? {hint}" if near else hint


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The end of a message, from the comma: the nearest known name; nothing when all are far away."""
    near = nearest(given, known)
    return f", did you mean {str(near[0])!r}?" if near else ""
