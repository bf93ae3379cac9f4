"""agentadm db key-material: peppers and encryption keys, which are kept outside the database."""

from typing import Annotated

import typer

from cli.bulk import Progress
from cli.context import Context
from cli.output import Listing
from cli.registry import ADMIN, STAFF, Noun, Risk, Undo
from platform_core.key_material.types import KeyVersion, Purpose, Rotated

key_material = Noun("db key-material", "Peppers of API keys and encryption keys of fields.")

For = Annotated[Purpose, typer.Argument(metavar="PURPOSE", help="pepper or encryption.")]


@key_material.command("list", operators=STAFF, example="agentadm db key-material list")
def list_versions(ctx: Context) -> Listing[KeyVersion]:
    """List the versions, whether each is here, and how many rows still use it; never a secret."""
    return Listing(ctx.read(lambda services: services.key_material.list()))


@key_material.command(
    "add",
    risk=Risk.MILD,
    undo=Undo.COMPENSATED,
    compensated_by="db key-material retire",
    operators=ADMIN,
    example="agentadm db key-material add pepper",
)
def add(ctx: Context, purpose: For) -> KeyVersion:
    """Make the next version, in the file and then here; or register the one that is in the file, or variable, already.

    What is new gets it from then on.
    """
    dry_run = ctx.shared.dry_run
    return ctx.write(lambda services: services.key_material.add(purpose, dry_run=dry_run))


@key_material.command(
    "rotate",
    risk=Risk.MODERATE,
    undo=Undo.IRREVERSIBLE,
    operators=ADMIN,
    example="agentadm db key-material rotate --yes",
)
def rotate(ctx: Context) -> Rotated:
    """Encrypt every encrypted column anew with the newest key, chunk by chunk; a repeat goes on where it was cut short.

    API keys move to the newest pepper by themselves, when they are next verified.
    """
    ctx.refuse_idempotency_key("it goes on by itself where it was cut short")
    total = ctx.read(lambda services: services.key_material.outdated())
    ctx.targets = f"{total:,} values"
    ctx.check_expected(total)
    ctx.confirm_here()
    progress = Progress(ctx, total, "values")
    try:
        done, outcome = ctx.platform.rotate_encryption(ctx.request(), progress.show)
    finally:
        progress.clear()
    if outcome is not None:
        ctx.report_run(outcome)
    return done


@key_material.command(
    "retire",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    operators=ADMIN,
    example="agentadm db key-material retire pepper 1 --yes",
)
def retire(
    ctx: Context,
    purpose: For,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="Its number.", min=1, max=2**31 - 1)],
) -> KeyVersion:
    """Take a version out of use that nothing uses any more. Only then may its secret be thrown away."""
    return ctx.write(lambda services: services.key_material.retire(purpose, version))
