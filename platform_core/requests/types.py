"""What is asked of a request, and the rules that it must pass."""

import re
from dataclasses import dataclass

from platform_core.errors import UsageError

ENDPOINT = re.compile(r"[a-z_]+:[a-z_]+|(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) +/\S*", re.IGNORECASE)


def checked_endpoint(endpoint: str | None) -> None:
    """What a request would do, as agentadm.endpoint_needs reads it; None is anything.

    Raises:
        UsageError: it is neither a scope nor a method with a path.
    """
    if endpoint is not None and not ENDPOINT.fullmatch(endpoint):
        raise UsageError(f"{endpoint!r} is no endpoint", "a scope such as agents:write, or 'POST /v1/runs'")


@dataclass(frozen=True)
class Asked:
    """A request as support names it: references of user, key and agent, and what it would do.

    Args:
        user, key, agent: references; a user or a key there must be.
        endpoint: a scope (agents:write), or a method and a path (POST /v1/runs).
        environment: live or test.
        at: when, as parse_moment reads it; None is now.
    """

    user: str | None = None
    key: str | None = None
    agent: str | None = None
    endpoint: str | None = None
    environment: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class RuleOutcome:
    """A rule that a request must pass: what was found, what was wanted, and what that means."""

    rule: str
    allowed: bool
    value: str | None
    wanted: str | None
    message: str
