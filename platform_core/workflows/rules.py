"""What must hold before a workflow is made or changed; constraints and triggers hold it whoever writes."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from platform_core.db.schema import AnyRow
from platform_core.errors import UsageError
from platform_core.plans.types import Limit
from platform_core.teams.rules import is_deleted

if TYPE_CHECKING:
    from platform_core.services import Services


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a workflow as they are stored.

    Raises:
        UsageError: a tag is none.
    """
    found = dict(values)
    if "tags" in found:
        found["tags"] = list(dict.fromkeys(found["tags"] or ()))
        for tag in found["tags"]:
            if not tag.strip() or not tag.isprintable():
                raise UsageError(f"--tag {tag!r} is no word to find anything by", "give a word")
    return found


def same(one: object, other: object) -> bool:
    """Whether two values are the same in JSON: to Python 1 and true are."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def refuse_full(services: "Services", team: AnyRow) -> None:
    """Say no where a team is deleted, or its customer may not have one more workflow.

    Args:
        services: of the unit of work.
        team: its row, locked, so that what is counted stays so.

    Raises:
        Conflict: how many are allowed and there, and what says so.
    """
    if team.deleted_at is not None:
        raise is_deleted(team)
    services.limits.refuse_full(team, (Limit.MAX_WORKFLOWS,))
