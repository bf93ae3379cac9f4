"""Questions: asked only of a person at a terminal, on stderr; else the command refuses and names the option."""

from typing import TYPE_CHECKING

from platform_core.errors import Refused

if TYPE_CHECKING:
    from cli.context import Context

WORDS_FOR_YES = frozenset({"y", "yes"})


def confirm(ctx: "Context", environment: str, *, production: bool) -> None:
    """Ask where the command's risk demands it.

    Args:
        ctx: of the command.
        environment: its name, to be typed for a severe step.
        production: whether it is marked so: then it is named, and a moderate step needs --yes.

    Raises:
        Refused: the answer was no, or there is no one to ask.
    """
    from cli.registry import Risk

    if ctx.shared.dry_run:
        return
    if production:
        ctx.note(f"environment: {environment} (production)")
    risk, path = ctx.properties.risk, ctx.properties.path
    if risk is Risk.SEVERE:
        _severe(ctx, path, environment)
    elif risk is Risk.MODERATE and not ctx.shared.yes:
        if production:
            raise Refused(f"{path} on production needs --yes", "look at it first with --dry-run")
        _moderate(ctx, path, environment)


def _moderate(ctx: "Context", path: str, environment: str) -> None:
    if not ctx.can_ask():
        raise Refused(f"{path} wants to be confirmed, and there is no one to ask", "add --yes")
    if _ask(ctx, f"{path} {ctx.targets} on {environment}? [y/N] ").lower() not in WORDS_FOR_YES:
        raise Refused("not confirmed; nothing was changed")


def _severe(ctx: "Context", path: str, environment: str) -> None:
    if ctx.shared.confirm is not None:
        if ctx.shared.confirm != environment:
            raise Refused(
                f"--confirm {ctx.shared.confirm!r} is not this environment, {environment!r}",
                "nothing was changed",
            )
        return
    if not ctx.can_ask():
        raise Refused(f"{path} cannot be undone and wants to be confirmed", f"add --confirm {environment}")
    if _ask(ctx, f"{path} cannot be undone. Type the name of the environment, {environment}: ") != environment:
        raise Refused("not confirmed; nothing was changed")


def _ask(ctx: "Context", question: str) -> str:
    from cli.output.text import visible

    ctx.invocation.stderr.write(visible(question))
    ctx.invocation.stderr.flush()
    answer = ctx.invocation.stdin.readline()
    if answer == "":
        ctx.invocation.stderr.write("\n")
        raise Refused("end of input instead of an answer; nothing was changed")
    return answer.strip()
