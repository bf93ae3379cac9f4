"""Options that agents are made and changed with; contacts do not go on record as they were typed."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_core.agents.types import CONTACTS, AgentType
from platform_core.errors import UsageError
from platform_core.masking import masked
from platform_core.money import plain_decimal
from platform_core.versions.types import ChangeNote

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
    found = plain_decimal(text)
    if found is None or found > HOTTEST or found != round(found, 2):
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


def spec_of(ctx: "Context", file: str | None, references: Sequence[str] = ()) -> dict[str, str]:
    """The specification of --spec-file, as a column; nothing without one.

    Raises:
        UsageError: it cannot be read, or standard input is asked for twice.
    """
    if file is None:
        return {}
    from cli.text_input import refuse_stdin_twice, text_of

    refuse_stdin_twice(file, "--spec-file", references)
    return {"spec_content": text_of(ctx, file)}


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
