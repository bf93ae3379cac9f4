"""What `agentadm help` answers with: the list of topics, a topic, or a command's own help."""

from typing import TYPE_CHECKING, Any

from cli.output import Page
from cli.topics import TOPICS, Entry, ExitMeaning, overview, page
from platform_core.errors import UsageError
from platform_core.near import did_you_mean

if TYPE_CHECKING:
    from cli.context import Context

WIDEST = 100


def told(ctx: "Context", words: tuple[str, ...]) -> Page[Entry | ExitMeaning]:
    """The help on some words.

    Raises:
        UsageError: there is no such topic, noun or verb; names the nearest.
    """
    width = _width(ctx)
    if not words:
        return Page(overview(width), [Entry(name, topic.summary) for name, topic in TOPICS.items()])
    if len(words) == 1 and (topic := TOPICS.get(words[0])) is not None:
        return Page(page(topic, width), topic.entries)
    text = _command_help(ctx, words)
    return Page(text, [Entry(" ".join(words), text)])


def _command_help(ctx: "Context", words: tuple[str, ...]) -> str:
    """The same as --help of the command."""
    here: Any = ctx.find_root()
    for number, word in enumerate(words):
        group = here.command
        known = group.list_commands(here) if hasattr(group, "list_commands") else []
        if word not in known:
            raise _nothing(words[:number], word, known)
        command = group.get_command(here, word)
        here = command.context_class(command, info_name=word, parent=here)
    return f"{here.get_help()}\n"


def _nothing(before: tuple[str, ...], word: str, known: list[str]) -> UsageError:
    if not before:
        names = [*TOPICS, *known]
        return UsageError(f"no help topic {word!r}{did_you_mean(word, names)}", f"topics: {', '.join(TOPICS)}")
    hint = f"see: agentadm help {' '.join(before)}"
    return UsageError(f"no verb {word!r} under {' '.join(before)}{did_you_mean(word, known)}", hint)


def _width(ctx: "Context") -> int:
    import shutil

    given = ctx.invocation.environ.get("COLUMNS", "")
    columns = int(given) if given.isdigit() else shutil.get_terminal_size().columns
    return max(40, min(columns, WIDEST))
