"""How wide the columns of a table are, and which of them give way where a terminal has no room for all."""

from collections.abc import Sequence

GAP = 2
SHORTEST_TEXT = 12
# Of what matters more is left, as long as anything else can give way: a third of the terminal, but no more than this.
LONGEST_SHARE = 32


def without_empty(needs: Sequence[int], empty: Sequence[bool], width: int) -> list[int]:
    """What columns need, 0 for those without a value in any row that have to give way, from the right."""
    left = list(needs)
    for place in reversed(range(1, len(left) - 1)):
        if empty[place] and _excess(left, width) > 0:
            left[place] = 0
    return left


def fit(needs: Sequence[int], shortest: Sequence[int], width: int, matters: Sequence[int]) -> list[int]:
    """Widths of columns that together fit a terminal.

    Free text gives way first, the widest first; then columns that matter less are left out, from the right; then those
    that matter are cut, and left out, all but the first two of them; the first, which names the row, is cut last.

    Args:
        needs: cells that each column would take; 0 for one that is left out already.
        shortest: cells that are left of each where it is cut; what it needs where it may not be.
        width: of the terminal.
        matters: places of the columns that tell what a row is, the most important first.

    Returns:
        A width for each column; 0 for one that found no place.
    """
    widths = list(needs)
    share = min(width // 3, LONGEST_SHARE)
    left = dict(enumerate(shortest))
    _cut(widths, {place: max(share, least) if place in matters else least for place, least in left.items()}, width)
    _leave_out(widths, [place for place in reversed(range(len(widths))) if place not in matters], width)
    _cut(widths, {**left, matters[0]: max(share, shortest[matters[0]])}, width)
    _leave_out(widths, list(reversed(matters[2:])), width)
    _cut(widths, left, width)
    # What a column left out gave free goes to the texts that were cut.
    for place in [*matters, *range(len(widths))]:
        if widths[place] and (free := -_excess(widths, width)) > 0:
            widths[place] = min(needs[place], widths[place] + free)
    return widths


def _excess(widths: Sequence[int], width: int) -> int:
    shown = [given for given in widths if given]
    return sum(shown) + GAP * (len(shown) - 1) - width


def _cut(widths: list[int], shortest: dict[int, int], width: int) -> None:
    """Make texts shorter until all fits, the widest first, so that they share the loss."""
    if _excess(widths, width) > 0:
        for place, least in shortest.items():
            widths[place] = min(widths[place], max(least, width))
    while _excess(widths, width) > 0:
        wide = [place for place in shortest if widths[place] > shortest[place]]
        if not wide:
            return
        widths[max(wide, key=widths.__getitem__)] -= 1


def _leave_out(widths: list[int], places: Sequence[int], width: int) -> None:
    for place in places:
        if _excess(widths, width) <= 0:
            return
        widths[place] = 0
