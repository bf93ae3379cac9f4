"""Options that agents are made and changed with; contacts do not go on record as they were typed."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.bulk import FROM_STDIN
from cli.options import user_option
from platform_core.agents.types import CONTACTS, AgentType, ChangeNote
from platform_core.errors import UsageError
from platform_core.masking import masked

if TYPE_CHECKING:
    from cli.context import Context

# What PostgreSQL's integer holds.
MOST = 2**31 - 1
HOTTEST = 2
# As platform_core.masking knows one, so that what is left of it when it is masked tells two of them apart.
PHONE = re.compile(r"\+[0-9][0-9 ()./-]{6,}[0-9]{2}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REACHED_BY = {
    "contact_email": (EMAIL, "scribe@example.com"),
    "contact_phone": (PHONE, "+49 30 1234567, with the country's code"),
    "contact_whatsapp": (PHONE, "+49 30 1234567, with the country's code"),
}


def temperature(text: str) -> Decimal:
    """A temperature as typed.

    Raises:
        BadParameter: it is none.
    """
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= HOTTEST or found != round(found, 2):
        raise typer.BadParameter(f"{text!r} is no temperature: 0 to {HOTTEST}, as 0.35")
    return found


Slug = Annotated[str | None, typer.Option(help="For references, unique in its team.")]
Handle = Annotated[str | None, typer.Option(help="Public @name: letters, digits and _, unique everywhere.")]
Type = Annotated[AgentType | None, typer.Option("--type", help="What it is for.")]
Description = Annotated[str | None, typer.Option(help="What it does.")]
SpecFile = Annotated[
    str | None, typer.Option("--spec-file", metavar="FILE", help="Its specification, in Markdown; - is stdin.")
]
Tools = Annotated[list[str] | None, typer.Option("--tool", metavar="NAME", help="A tool it may use. Repeatable.")]
Provider = Annotated[str | None, typer.Option("--provider", help="Provider of its model.")]
Model = Annotated[str | None, typer.Option("--model", help="Its model.")]
Temperature = Annotated[Decimal | None, typer.Option(parser=temperature, metavar="NUMBER", help="0 to 2.")]
MaxIterations = Annotated[int | None, typer.Option(help="Steps of a run at most.", min=1, max=MOST, metavar="N")]
MaxExecutionTime = Annotated[
    int | None, typer.Option(help="Seconds of a run at most.", min=1, max=MOST, metavar="SECONDS")
]
IconUrl = Annotated[str | None, typer.Option(help="Picture.")]
BaseWebsite = Annotated[str | None, typer.Option(help="Its web page.")]
CustomWebsite = Annotated[str | None, typer.Option(help="Its web page under a domain of its own.")]
ContactEmail = Annotated[str | None, typer.Option(metavar="EMAIL", help="How to reach it.")]
ContactPhone = Annotated[str | None, typer.Option(metavar="NUMBER", help="With its country's code.")]
ContactWhatsapp = Annotated[str | None, typer.Option(metavar="NUMBER", help="With its country's code.")]
Notes = Annotated[str | None, typer.Option(metavar="TEXT", help="What changed; kept with the version.")]
ChangedBy = Annotated[str | None, user_option("Who changed it; kept with the version.")]


def spec_of(ctx: "Context", file: str | None, references: "list[str] | None" = None) -> dict[str, str]:
    """The specification of --spec-file, as a column; nothing without one.

    Raises:
        UsageError: it cannot be read, or standard input is asked for twice.
    """
    if file is None:
        return {}
    if file == FROM_STDIN and FROM_STDIN in (references or ()):
        raise UsageError("standard input can be read once only", "name a file for --spec-file")
    return {"spec_content": text_of(ctx, file)}


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


def off_record(ctx: "Context", values: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two calls the same, beside what goes on record: there contacts are masked, and no file is read.

    Raises:
        UsageError: a contact is none.
    """
    for name in CONTACTS:
        pattern, example = REACHED_BY[name]
        if (value := values.get(name)) is not None and not (pattern.fullmatch(value) and value.isprintable()):
            raise UsageError(f"--{name.replace('_', '-')} {value!r} reaches nobody", f"for example: {example}")
    ctx.arguments.update({name: masked(values[name]) for name in CONTACTS if values.get(name) is not None})
    return {name: values[name] for name in ("spec_content", *CONTACTS) if name in values}


def checked_note(notes: str | None, changed_by: str | None, values: Mapping[str, Any]) -> ChangeNote:
    """What a version keeps of its making.

    Raises:
        UsageError: no version would be made.
    """
    if (notes is not None or changed_by is not None) and "spec_content" not in values:
        raise UsageError("only a change of the specification makes a version to keep notes", "add --spec-file FILE")
    return ChangeNote(notes, changed_by)
