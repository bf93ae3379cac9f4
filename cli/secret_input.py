"""Secrets that commands are given: from standard input, or typed where nobody sees them. Never as an argument."""

from typing import TYPE_CHECKING

from cli.bulk import FROM_STDIN
from platform_core.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.context import Context


def secret_text(ctx: "Context", what: str, option: str, references: "Sequence[str]" = ()) -> str:
    """A secret: all of standard input, without the line ends around it; from a terminal one hidden line.

    Args:
        ctx: of the command.
        what: what is asked for, as a person is told.
        option: the option that says that it is to be read.
        references: of the command; they may want standard input, too.

    Raises:
        UsageError: there is none, it is no text, or standard input holds the references already.
        Refused: it is to be typed, and nobody may be asked; or it was not.
    """
    if FROM_STDIN in references:
        raise UsageError(f"standard input can be read once only, and {option} reads it", "name what is meant")
    stdin = ctx.invocation.stdin
    if stdin.isatty():
        return _typed(ctx, what, option)
    ctx.invocation.stdin_taken = True
    try:
        text: str = stdin.buffer.read().decode("utf-8") if hasattr(stdin, "buffer") else stdin.read()
    except UnicodeError:
        raise UsageError(f"{what} on standard input is not UTF-8", "give it as UTF-8") from None
    if not (found := text.strip()):
        raise UsageError(f"{option}: there is nothing on standard input", f"for example: agentadm ... {option} < FILE")
    return found


def _typed(ctx: "Context", what: str, option: str) -> str:
    from getpass import getpass

    if not ctx.can_ask():
        raise Refused(f"{option} asks for {what}, and there is no one to ask", "give it on standard input: < FILE")
    try:
        found = getpass(f"{what} (not shown): ", stream=ctx.invocation.stderr).strip()
    except EOFError:
        found = ""
    if not found:
        raise Refused("end of input instead of a secret; nothing was changed")
    return found
