"""Texts that commands are given: from a file, or from standard input."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.bulk import FROM_STDIN
from platform_core.errors import UsageError

if TYPE_CHECKING:
    from cli.context import Context


def refuse_stdin_twice(file: str, option: str, references: Sequence[str]) -> None:
    """Refuse standard input for a file where the references stand on it.

    Raises:
        UsageError: it is asked for twice.
    """
    if file == FROM_STDIN and FROM_STDIN in references:
        raise UsageError("standard input can be read once only", f"name a file for {option}")


def text_of(ctx: "Context", file: str) -> str:
    """The text of a file, or of standard input, to the letter.

    Raises:
        UsageError: it cannot be read, or is no text.
    """
    try:
        if file == FROM_STDIN:
            ctx.invocation.stdin_taken = True
            stdin = ctx.invocation.stdin
            content = stdin.buffer.read() if hasattr(stdin, "buffer") else stdin.read().encode("utf-8", "surrogatepass")
        else:
            content = Path(file).read_bytes()
        text: str = content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{file!r} cannot be read: {error.strerror}") from error
    except UnicodeError:
        raise UsageError(f"{_named(file)} is not UTF-8", "give it as UTF-8") from None
    if "\0" in text:
        raise UsageError(f"{_named(file)} holds a NUL, and is no text", "name a Markdown file")
    return text


def _named(file: str) -> str:
    return "standard input" if file == FROM_STDIN else repr(file)
