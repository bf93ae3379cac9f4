"""Options and arguments of the import commands. They load nothing that only an import needs."""

from typing import Annotated

import typer

from platform_core.importing.answers import InputFormat, OnConflict

Input = Annotated[str, typer.Argument(metavar="FILE", help="What to read, or - for stdin.")]
Format = Annotated[
    InputFormat | None, typer.Option("--format", help="How it is written, where its ending does not say.")
]
Conflicts = Annotated[OnConflict, typer.Option(help="What becomes of a record about somebody who is there.")]
RejectsFile = Annotated[
    str | None, typer.Option("--rejects", metavar="FILE", help="Write what was not taken, each with the reason.")
]
Ignored = Annotated[str | None, typer.Option("--ignore", metavar="FIELDS", help="Leave these out: a,b.")]
