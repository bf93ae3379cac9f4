"""What is said of teams by several nouns."""

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict


def is_deleted(team: AnyRow, whose: str = "") -> Conflict:
    """What to say of a team that is deleted: how it comes back.

    Args:
        team: its row.
        whose: what of it is asked for.
    """
    how = f"teams restore {team.slug}" if team.personal_of is None else f"users restore {team.personal_of}"
    return Conflict(f"team {team.slug}{whose} is deleted", f"restore it first: agentadm {how}")
