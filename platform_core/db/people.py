"""What a column that names a person means for merging that person into another, for erasing and for exporting them.

Each table says it in its `care(people=...)`; the database has the same list as `agentadm.person_columns()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class OnMerge(StrEnum):
    """What becomes of rows that name somebody who is merged into another."""

    # They name the other.
    MOVE = "move"
    # As before; where the other has one alike, the weaker of the two goes, or without a rank this one.
    KEEP_STRONGER = "keep_stronger"
    # They name the other, or, where the other has one, nobody.
    MOVE_OR_CLEAR = "move_or_clear"
    # The row is the person, or goes with another that moves.
    STAY = "stay"


class OnErase(StrEnum):
    """What becomes of rows that name somebody who is erased; their personal columns are overwritten in any case."""

    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True)
class PersonLink:
    """A column that names a person.

    Attributes:
        column: which holds the user's id; with `via`, that of a row that names the user.
        via: that row's table, and its column that names the user.
        on_merge, on_erase: see there.
        alike: columns that are unique together with this one; for KEEP_STRONGER.
        rank: a column and its words from the strongest to the weakest; for KEEP_STRONGER, where one is stronger.
        erase_unless: a condition in SQL under which a row is kept although rows are deleted.
        personal: columns that say something of the person, with what is left in their place, in SQL.
        names: those of them by which the person is known elsewhere, too: in texts of operations, in stored answers.
    """

    column: str
    on_merge: OnMerge = OnMerge.MOVE
    on_erase: OnErase = OnErase.KEEP
    alike: tuple[str, ...] = ()
    rank: tuple[str, tuple[str, ...]] | None = None
    erase_unless: str | None = None
    personal: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    via: tuple[str, str] | None = None
