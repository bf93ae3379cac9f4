"""What goes to stderr: notes, the changes of a dry run, errors. On a terminal as wide as it is, else a line each."""

import shutil
from typing import TYPE_CHECKING, Any

from cli.output.text import as_json, counted, visible, wrapped
from platform_core.errors import AgentadmError
from platform_core.masking import without_keys

if TYPE_CHECKING:
    from cli.context import Invocation
    from platform_core.operations.types import Outcome

SHOWN_CHANGES = 20


def write_note(invocation: "Invocation", text: str) -> None:
    """One note on stderr that is not the result."""
    told = visible(without_keys(text))
    # A command line stays whole, to be copied.
    if invocation.stderr.isatty() and not told.startswith("$ "):
        indent = " " * (len(told) - len(told.lstrip(" ")) + 2)
        told = wrapped(told, terminal_width(invocation), indent)
    invocation.stderr.write(f"{told}\n")


def write_error(error: AgentadmError, invocation: "Invocation", machine: bool) -> None:
    """An error on stderr: one line and a hint for people, one JSON object with a machine format."""
    if machine:
        told = {
            "code": int(error.code),
            "kind": error.kind,
            "message": without_keys(error.message),
            "hint": None if error.hint is None else without_keys(error.hint),
            "operation_id": error.operation_id,
        }
        invocation.stderr.write(as_json({"error": told}) + "\n")
        return
    write_note(invocation, f"error: {error.message}")
    if error.hint:
        write_note(invocation, f"hint: {error.hint}")


def write_changes(invocation: "Invocation", outcome: "Outcome[Any]") -> None:
    """What a dry run would have changed, on stderr."""
    from cli.output.people import change_line

    changes = outcome.changes
    total = 0 if changes is None else changes.total
    # What triggers derive is listed, and not counted: as in the real run.
    rows = counted(outcome.affected, "row")
    write_note(invocation, f"dry run: {rows} would change, nothing was changed")
    shown = () if changes is None else changes.shown[:SHOWN_CHANGES]
    for change in shown:
        write_note(invocation, f"  {change_line(change)}")
    if total > len(shown):
        write_note(invocation, f"  and {total - len(shown):,} more")
    for request in outcome.planned:
        write_note(invocation, f"  would send: {as_json(dict(request))}")


def terminal_width(invocation: "Invocation") -> int:
    """How many cells a line has: as COLUMNS says, else the terminal."""
    if given := invocation.environ.get("COLUMNS", ""):
        return max(20, int(given)) if given.isdigit() else 80
    return max(20, shutil.get_terminal_size().columns)
