"""agentadm db: set up, migrate, check, back up."""

from pathlib import Path
from typing import Annotated

import typer

from cli.context import Context
from cli.key_material import key_material
from cli.output import Listing
from cli.registry import OWNER, Noun, Risk, Undo
from platform_core.db.types import (
    FileResult,
    Finding,
    Initialised,
    Maintenance,
    Migrated,
    OperatorRole,
    Reset,
    SeedResult,
    Stat,
    Status,
    Stopped,
)
from platform_core.errors import ExitCode
from platform_core.jobs.types import CrontabLine, JobStatus
from platform_core.jobs.types import crontab as sample_crontab

noun = Noun("db", "The database: set up, migrate, check, back up.")
roles = noun.noun("roles", "Database logins of operators and jobs.")
noun.nouns.append(key_material)

File = Annotated[Path, typer.Argument(metavar="FILE", help="Path of the backup.")]


@noun.command(
    "init",
    operators=OWNER,
    risk=Risk.MILD,
    undo=Undo.COMPENSATED,
    compensated_by="db reset",
    example="agentadm db init --embedded",
)
def init(
    ctx: Context,
    embedded: Annotated[bool, typer.Option("--embedded", help="Make a local server and use it.")] = False,
    environment: Annotated[str | None, typer.Option(help="Name of the environment.", metavar="NAME")] = None,
    production: Annotated[bool, typer.Option("--production", help="Real customers and money are here.")] = False,
) -> Initialised:
    """Set a database up: schema, roles, and the mark that makes it ours."""
    care = ctx.platform.care
    ctx.would("make the schema agentadm, its roles, and the mark")
    run = care.planned_init if ctx.shared.dry_run else care.init
    return run(embedded=embedded, environment=environment, production=production)


@noun.command(
    "upgrade",
    operators=OWNER,
    risk=Risk.MODERATE,
    undo=Undo.COMPENSATED,
    compensated_by="db downgrade",
    example="agentadm db upgrade --yes",
)
def upgrade(ctx: Context) -> Migrated:
    """Bring the schema up to this tool's version."""
    care = ctx.platform.care
    for step in care.planned_upgrade():
        ctx.note(f"migration {step.revision}: {step.title} (locks: {step.locks})")
    ctx.confirm_on_database()
    done = care.upgrade(dry_run=ctx.shared.dry_run)
    if done.applied and not ctx.shared.dry_run:
        wanted = ctx.read(lambda services: services.key_material.missing())
        if adding := "; ".join(f"agentadm db key-material add {purpose}" for purpose in wanted):
            ctx.note(f"API keys and encrypted columns need key material: {adding}")
    return done


@noun.command(
    "downgrade",
    operators=OWNER,
    risk=Risk.SEVERE,
    undo=Undo.COMPENSATED,
    compensated_by="db upgrade",
    example="agentadm db downgrade 0001 --dry-run",
)
def downgrade(
    ctx: Context,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="Schema version to go back to.")],
) -> Migrated:
    """Take the schema back to an older version. Refused on production."""
    ctx.confirm_on_database()
    ctx.would(f"take the schema back to {revision}")
    return ctx.platform.care.downgrade(revision, dry_run=ctx.shared.dry_run)


@noun.command("reset", operators=OWNER, risk=Risk.SEVERE, undo=Undo.IRREVERSIBLE, example="agentadm db reset --dry-run")
def reset(ctx: Context) -> Reset:
    """Throw all data away and begin anew. Refused on production."""
    ctx.confirm_on_database()
    ctx.would("drop everything in the schema agentadm, and make it anew")
    return ctx.platform.care.reset(dry_run=ctx.shared.dry_run)


@noun.command("status", example="agentadm db status")
def status(ctx: Context) -> Status:
    """Show which database this is, and in which state."""
    return ctx.platform.care.status()


@noun.command("stats", example="agentadm db stats")
def stats(ctx: Context) -> Listing[Stat]:
    """Show connections, sizes, unused indexes, and slow statements where the server keeps them."""
    return Listing(ctx.read(lambda services: services.database.stats()))


@noun.command("doctor", example="agentadm db doctor")
def doctor(ctx: Context) -> Listing[Finding]:
    """Check everything that can be wrong with the installation; exit with 1 when anything is."""
    findings = ctx.platform.read(lambda services: services.database.doctor(), any_schema=True)
    if not all(finding.ok for finding in findings):
        ctx.invocation.code = int(ExitCode.DIFFERS)
    return Listing(findings)


@noun.command(
    "maintain", operators=OWNER, risk=Risk.MILD, undo=Undo.IRREVERSIBLE, cron=True, example="agentadm db maintain"
)
def maintain(ctx: Context) -> Maintenance:
    """Make partitions ahead, seal the audit, forget old keys, vacuum where due. For cron, once a day."""
    done = ctx.write(lambda services: services.database.maintain())
    if not ctx.shared.dry_run:
        for table in ctx.platform.care.vacuum():
            ctx.note(f"vacuumed {table}")
    return done


@noun.command(
    "seed",
    operators=OWNER,
    risk=Risk.MODERATE,
    # Runs and errors are not audited, and hold on to what made them.
    undo=Undo.COMPENSATED,
    compensated_by="db reset",
    example="agentadm db seed --scale small --yes",
)
def seed(
    ctx: Context,
    scale: Annotated[str, typer.Option(help="small, medium or large.", metavar="SCALE")] = "small",
) -> SeedResult:
    """Load a believable company into an empty installation; the same rows every time."""
    return ctx.write(lambda services: services.database.seed(scale))


@noun.command("stop", risk=Risk.MILD, undo=Undo.COMPENSATED, compensated_by="db status", example="agentadm db stop")
def stop(ctx: Context) -> Stopped:
    """Stop the embedded server; the next command starts it again."""
    ctx.would("stop the embedded server")
    return ctx.platform.care.stop(dry_run=ctx.shared.dry_run)


@noun.command("shell", example="agentadm db shell")
def shell(
    ctx: Context,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[PSQL ARGUMENTS]...", help="For psql, after --.")
    ] = None,
) -> None:
    """Open psql on the database. What is changed there is audited as outside."""
    ctx.refuse_options(frozenset({"dry_run", "as_user"}))
    ctx.invocation.code = ctx.platform.care.shell(tuple(arguments or ()))


@noun.command("backup", operators=OWNER, example="agentadm db backup today.dump")
def backup(ctx: Context, file: File) -> FileResult:
    """Write everything to a file, and say what it does not hold."""
    ctx.refuse_options(frozenset({"dry_run", "as_user"}))
    done = ctx.platform.care.backup(file)
    for item in done.left_out:
        ctx.note(f"not in the backup: {item}")
    return done


@noun.command(
    "restore",
    operators=OWNER,
    risk=Risk.SEVERE,
    undo=Undo.IRREVERSIBLE,
    example="agentadm db restore today.dump --dry-run",
)
def restore(ctx: Context, file: File) -> FileResult:
    """Load a backup into a database that holds no installation yet."""
    ctx.confirm_on_database()
    done = ctx.platform.care.restore(file, dry_run=ctx.shared.dry_run)
    ctx.would(f"load {file} into the schema agentadm")
    return done


@noun.command("jobs", example="agentadm db jobs")
def jobs(ctx: Context) -> Listing[JobStatus]:
    """Show which cron job ran when, and which is overdue."""
    return Listing(ctx.read(lambda services: services.jobs.status()))


@noun.command("crontab", example="agentadm db crontab")
def crontab(ctx: Context) -> Listing[CrontabLine]:  # noqa: ARG001 - every command receives it
    """Print a sample crontab for all jobs."""
    return Listing(sample_crontab())


@roles.command("list", example="agentadm db roles list")
def list_roles(ctx: Context) -> Listing[OperatorRole]:
    """List the logins and the group roles they are in."""
    return Listing(ctx.read(lambda services: services.database.roles()))


@roles.command(
    "create",
    operators=OWNER,
    risk=Risk.MODERATE,
    undo=Undo.COMPENSATED,
    compensated_by="db roles revoke",
    example="agentadm db roles create maria --group support --yes",
)
def create_role(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Login at the database.")],
    group: Annotated[list[str], typer.Option(help="support, billing, analytics or admin; repeatable.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
    ] = False,
) -> OperatorRole:
    """Make a login for an operator or a job. Without a password the server's own rules decide who may use it."""
    password = ctx.secret_line() if password_stdin else None
    return ctx.write(lambda services: services.database.create_role(name, tuple(group), password))


@roles.command(
    "revoke",
    operators=OWNER,
    risk=Risk.MODERATE,
    undo=Undo.COMPENSATED,
    compensated_by="db roles create",
    example="agentadm db roles revoke maria --yes",
)
def revoke_role(
    ctx: Context, name: Annotated[str, typer.Argument(metavar="NAME", help="Login at the database.")]
) -> OperatorRole:
    """Take a login's rights and its login away; the role itself stays, the audit names it."""
    return ctx.write(lambda services: services.database.revoke_role(name))
