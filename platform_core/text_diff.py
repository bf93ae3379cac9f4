"""What differs between two texts: as a unified diff, and line by line."""

from collections.abc import Iterator
from dataclasses import dataclass

AROUND = 3
NO_END = "\\ No newline at end of file"


@dataclass(frozen=True)
class DiffLine:
    """A line of a difference, or of what stands around one; `change` is same, removed or added."""

    part: str
    change: str
    from_line: int | None
    to_line: int | None
    text: str


def unified(part: str, old: str | None, new: str | None, names: tuple[str, str]) -> str:
    """A unified diff, as patch reads it; nothing where the two are equal.

    Args:
        part: what of a thing it is.
        old, new: the texts; None where there is none.
        names: of the two, for its heading.
    """
    # Loaded by what differs only: every command of a noun loads this module.
    from difflib import unified_diff

    before, after = (f"{name} {part}" for name in names)
    lines = unified_diff(_lines(old), _lines(new), before, after, n=AROUND)
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_END}\n" for line in lines)


def lines_of(part: str, old: str | None, new: str | None) -> Iterator[DiffLine]:
    """The same, a line at a time, with the number that each has in either text."""
    from difflib import SequenceMatcher

    before, after = _lines(old), _lines(new)
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(AROUND):
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                for place in range(end - start):
                    number, other = start + place + 1, new_start + place + 1
                    yield DiffLine(part, "same", number, other, before[start + place].rstrip("\n"))
                continue
            for place in range(start, end):
                yield DiffLine(part, "removed", place + 1, None, before[place].rstrip("\n"))
            for place in range(new_start, new_end):
                yield DiffLine(part, "added", None, place + 1, after[place].rstrip("\n"))


def _lines(text: str | None) -> list[str]:
    """The lines of a text with their ends: only a line feed ends one."""
    *ended, rest = (text or "").split("\n")
    return [*(f"{line}\n" for line in ended), *([rest] if rest else [])]
