"""The demo: a local server, a believable company, and a tour of real commands."""

import shlex
from typing import TYPE_CHECKING

from cli.output.notes import write_note
from platform_core.db.types import Initialised
from platform_core.errors import AgentadmError, ExitCode
from platform_core.key_material.types import Purpose
from platform_core.listing.types import ListRequest

if TYPE_CHECKING:
    from cli.context import Context

ENVIRONMENT = "demo"
# A demo never touches a database that somebody configured.
NOT_FOR_DEMO = frozenset(
    {"AGENTADM_DATABASE_URL", "DATABASE_URL", "AGENTADM_CONFIG", "AGENTADM_CLOCK", "AGENTADM_KEY_MATERIAL",
     "AGENTADM_KEY_FILE"}
)  # fmt: skip
BEFORE_UNDO = (
    "db status",
    "users list --limit 5",
    "users show ada@example.com --columns email,full_name,role,status,identities",
    "users suspend grace@example.com --reason chargeback --dry-run",
    "users suspend grace@example.com --reason chargeback --ticket DEMO-1 --yes",
    "audit list --limit 3",
)
AFTER_UNDO = ("users show grace@example.com --columns email,status,suspended_reason", "db doctor")
NEXT = """
Try next:
  agentadm --help
  agentadm users list --status suspended -o json
  agentadm users create you@example.org --full-name 'Your Name'
  agentadm audit list
  agentadm db shell
"""


def tour(ctx: "Context") -> None:
    """Set the demo up, unless it is there, bring one of an earlier version up to date, and show it.

    Raises:
        AgentadmError: a step of the tour failed.
    """
    from platform_core.platform import Platform

    environ = {name: value for name, value in ctx.invocation.environ.items() if name not in NOT_FOR_DEMO}
    environ["AGENTADM_CONFIG"] = "/dev/null"
    platform = Platform(environ)
    if ctx.shared.dry_run:
        ctx.note(f"dry run: would make a local server in {platform.settings.home}, and load a company into it")
        return
    done: Initialised = platform.care.init(embedded=True, environment=ENVIRONMENT, production=False)
    if platform.care.planned_upgrade():
        _show(ctx, environ, "db upgrade --yes")
    # A server that was made before there were API keys has no key material.
    known = {row.purpose for row in platform.read(lambda services: services.key_material.list())}
    for purpose in sorted(set(Purpose) - known):
        _show(ctx, environ, f"db key-material add {purpose} --yes")
    empty = not platform.read(lambda services: services.users.list(ListRequest(limit=1)).page()).rows
    home = str(platform.settings.home)
    platform.close()
    ctx.note(f"local server: {done.where}")
    if empty:
        _show(ctx, environ, "db seed --scale small --yes --reason demo")
    for line in BEFORE_UNDO:
        _show(ctx, environ, line)
    _show(ctx, environ, f"audit undo {_last_operation(environ)} --yes")
    for line in AFTER_UNDO:
        _show(ctx, environ, line)
    write_note(ctx.invocation, f"\n$ export AGENTADM_HOME={shlex.quote(home)}".lstrip("\n"))
    for line in NEXT.strip("\n").splitlines():
        write_note(ctx.invocation, line)


def _show(ctx: "Context", environ: dict[str, str], line: str) -> None:
    """Run one command line as a person would, under its own name."""
    from cli.main import main

    write_note(ctx.invocation, f"$ agentadm {line}")
    ctx.invocation.stderr.flush()
    invocation = ctx.invocation
    code = main(
        shlex.split(line),
        environ=environ,
        stdin=invocation.stdin,
        stdout=invocation.stdout,
        stderr=invocation.stderr,
    )
    invocation.stdout.flush()
    if code != ExitCode.DONE:
        raise AgentadmError(f"the tour stopped at: agentadm {line} (exit code {code})")


def _last_operation(environ: dict[str, str]) -> str:
    from platform_core.platform import Platform

    platform = Platform(environ)
    try:
        return str(platform.read(lambda services: services.audit.list(ListRequest(limit=1)).page()).rows[0].id)
    finally:
        platform.close()
