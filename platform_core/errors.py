"""Errors that carry their own outcome: exit code, kind, message and hint.

`cli.main` is the only place that turns one into an exit; nothing else exits.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command ends with, one meaning each. `agentadm help exit-codes` prints it."""

    DONE = 0
    DIFFERS = 1
    USAGE = 2
    UNCHANGED = 3
    NOT_PERMITTED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    PARTIAL = 7
    REFUSED = 8
    GUARD = 9
    PROVIDER = 10
    FAULT = 70
    TRY_AGAIN = 75
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done (also: already so)",
    ExitCode.DIFFERS: "differs, or a check failed (diff, reconcile, doctor, verify)",
    ExitCode.USAGE: "wrong usage",
    ExitCode.UNCHANGED: "nothing to change (only with --error-unchanged)",
    ExitCode.NOT_PERMITTED: "not permitted, or no credentials",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.CONFLICT: "conflict or rule broken",
    ExitCode.PARTIAL: "some items failed, others are done",
    ExitCode.REFUSED: "refused: not confirmed, or no one to ask",
    ExitCode.GUARD: "a guard tripped: --expect, --max-affected, a stale plan",
    ExitCode.PROVIDER: "the payment provider said no, or cannot be reached",
    ExitCode.FAULT: "a fault of ours, with where to report it",
    ExitCode.TRY_AGAIN: "locked, busy, or the database cannot be reached: try again later",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "ended by SIGTERM",
}


class AgentadmError(Exception):
    """A failure with its outcome.

    Args:
        message: what is wrong, with which value.
        hint: what to do next, or None.
        operation_id: the operation it belongs to, where one is known.
    """

    code = ExitCode.FAULT
    kind = "fault"

    def __init__(self, message: str, hint: str | None = None, operation_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.operation_id = operation_id


class CheckFailed(AgentadmError):
    """A check found a difference; the findings themselves are on stdout."""

    code = ExitCode.DIFFERS
    kind = "differs"


class UsageError(AgentadmError):
    """The command line, a file or a setting is wrong."""

    code = ExitCode.USAGE
    kind = "usage"


class Unchanged(AgentadmError):
    """Nothing to change, where the caller asked to be told."""

    code = ExitCode.UNCHANGED
    kind = "unchanged"


class NotPermitted(AgentadmError):
    """The database login lacks a right, or its credentials were refused."""

    code = ExitCode.NOT_PERMITTED
    kind = "not_permitted"


class MissingPrivilege(NotPermitted):
    """The database login lacks a right that another role has; which one, the command says."""


class NotFound(AgentadmError):
    """A reference names nothing."""

    code = ExitCode.NOT_FOUND
    kind = "not_found"


class Conflict(AgentadmError):
    """A rule of the schema or of the platform says no."""

    code = ExitCode.CONFLICT
    kind = "conflict"


class PartlyDone(AgentadmError):
    """Some items failed, others are done; the results are on stdout."""

    code = ExitCode.PARTIAL
    kind = "partly_done"


class Refused(AgentadmError):
    """Not confirmed, or no one to ask."""

    code = ExitCode.REFUSED
    kind = "refused"


class GuardTripped(AgentadmError):
    """--expect or --max-affected did not hold; nothing was changed."""

    code = ExitCode.GUARD
    kind = "guard"


class ProviderFailed(AgentadmError):
    """The payment provider said no, or cannot be reached."""

    code = ExitCode.PROVIDER
    kind = "provider"


class TryAgain(AgentadmError):
    """Locked, busy, or the database cannot be reached."""

    code = ExitCode.TRY_AGAIN
    kind = "try_again"


class ProviderUnreachable(ProviderFailed):
    """The payment provider gave no answer: whether the request took effect is not known yet."""

    kind = "provider_unreachable"


class Interrupted(AgentadmError):
    """Ctrl-C; the message says what became of the change."""

    code = ExitCode.INTERRUPTED
    kind = "interrupted"


class Terminated(AgentadmError):
    """SIGTERM; the message says what became of the change."""

    code = ExitCode.TERMINATED
    kind = "terminated"
