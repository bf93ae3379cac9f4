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


# What is looked at only where the question says so; limits are those that a POST uses up.
OF_ENDPOINT = ("key_scope", "team_role")
OF_ENVIRONMENT = ("key_environment",)
OF_AGENT = ("agent_team", "agent_deleted", "agent_status", "agent_subscription")
LIMITS = ("limits",)


def left_out(endpoint: str | None, environment: str | None, *, agent: bool) -> tuple[str, ...]:
    """Rules that a question leaves out: by them the request may still be refused.

    Args:
        endpoint: a scope, or a method with a path; only that tells what is made.
        environment: live or test.
        agent: whether the request is known to be about one.
    """
    rules: tuple[str, ...] = () if environment is not None else OF_ENVIRONMENT
    rules += () if endpoint is not None else OF_ENDPOINT
    rules += () if agent else OF_AGENT
    return rules if endpoint is not None and "/" in endpoint else rules + LIMITS


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
