"""agentadm config: where settings come from."""

from typing import Annotated

import typer

from cli import completers
from cli.context import Context
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.settings_shown import Setting, all_settings, path_setting, profile_settings

noun = Noun("config", "Where settings come from.")


@noun.command("show", example="agentadm config show")
def show(ctx: Context) -> Listing[Setting]:
    """Show the settings in force, and where each comes from."""
    return Listing(all_settings(ctx.platform.settings, lambda: ctx.platform.where, wait=ctx.shared.wait))


@noun.command("path", example="agentadm config path")
def path(ctx: Context) -> Setting:
    """Show where the configuration file is looked for."""
    return path_setting(ctx.platform.settings)


@noun.command("profiles", example="agentadm config profiles")
def profiles(ctx: Context) -> Listing[Setting]:
    """List the profiles of the configuration file; URLs are not shown, they hold passwords."""
    return Listing(profile_settings(ctx.platform.settings))


@noun.command(
    "set",
    risk=Risk.MILD,
    undo=Undo.COMPENSATED,
    compensated_by="config set",
    example="agentadm config set profiles.staging.database_url_command 'pass show agentadm/staging'",
)
def set_(
    ctx: Context,
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="default_profile; or profiles.NAME. with "
            "database_url, database_url_command, key_file or require_reason.",
            autocompletion=completers.setting_keys,
        ),
    ],
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="Not for database_url.")] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the value from standard input, one line; a URL holds a password.")
    ] = False,
) -> Setting:
    """Change a setting of the configuration file. Its comments and order stay; no database is touched."""
    from platform_core import config_file

    ctx.check_expected(1)
    given = config_file.given_value(key, value, ctx.secret_line if stdin else None)
    settings = ctx.platform.settings
    text = config_file.changed(settings, key, given)
    ctx.would(f"set {key} in {settings.config_path}")
    if not ctx.shared.dry_run:
        config_file.write(settings.config_path, text)
    return Setting(key, config_file.shown(key, given), str(settings.config_path))
