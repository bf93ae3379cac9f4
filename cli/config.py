"""agentadm config: where settings come from."""

from dataclasses import dataclass

from cli.context import Context
from cli.output import Listing
from cli.registry import Noun

noun = Noun("config", "Where settings come from.")


@dataclass(frozen=True)
class Setting:
    """One setting, its value without secrets, and what said so."""

    setting: str
    value: str | None
    source: str


@noun.command("show", example="agentadm config show")
def show(ctx: Context) -> Listing[Setting]:
    """Show the settings in force, and where each comes from."""
    settings = ctx.platform.settings
    from_home = "AGENTADM_HOME" if "AGENTADM_HOME" in settings.environ else "default"
    from_file = "AGENTADM_CONFIG" if "AGENTADM_CONFIG" in settings.environ else "default"
    return Listing(
        [
            Setting("database", ctx.platform.where, settings.target.source),
            Setting("profile", settings.profile.name if settings.profile else None, "--profile, default_profile"),
            Setting("clock", settings.clock, "AGENTADM_CLOCK" if settings.clock else "default"),
            Setting("home", str(settings.home), from_home),
            Setting("configuration file", str(settings.config_path), from_file),
        ]
    )


@noun.command("path", example="agentadm config path")
def path(ctx: Context) -> Setting:
    """Show where the configuration file is looked for."""
    settings = ctx.platform.settings
    source = "AGENTADM_CONFIG" if "AGENTADM_CONFIG" in settings.environ else "default"
    return Setting("configuration file", str(settings.config_path), source)


@noun.command("profiles", example="agentadm config profiles")
def profiles(ctx: Context) -> Listing[Setting]:
    """List the profiles of the configuration file; URLs are not shown, they hold passwords."""
    settings = ctx.platform.settings
    default = settings.file.get("default_profile")
    return Listing(
        [
            Setting(name, "default" if name == default else None, str(settings.config_path))
            for name in sorted(settings.profiles)
        ]
    )
