"""The settings in force and where each comes from, for people who wonder. Never a password."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from platform_core.config import NO_DATABASE, Profile, Settings
from platform_core.errors import UsageError

DEFAULT = "default"
HIDDEN = "(not shown)"
# Mirrored here so that asking for settings loads no driver; a test compares them.
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 300
LOCK_SECONDS = 5
_PASSWORD = re.compile(r"(://[^:/?#\s]*):[^@\s]*@|(password=)\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Setting:
    """One setting, its value without secrets, and what said so."""

    setting: str
    value: str | None
    source: str


def all_settings(settings: Settings, where: Callable[[], str], *, wait: float | None) -> list[Setting]:
    """Every setting there is.

    Args:
        settings: in force.
        where: says the database without its password; asked only when one is configured.
        wait: the value of --wait, if given.
    """
    profile = settings.profile
    return [
        _database(settings, where),
        Setting("profile", profile.name if profile else None, _said_by(settings, profile)),
        Setting(
            "require_reason",
            "yes" if profile and profile.require_reason else "no",
            f"profile {profile.name}" if profile else DEFAULT,
        ),
        _key_material(settings),
        _of_variable(settings, "clock", "AGENTADM_CLOCK", None),
        _of_variable(settings, "home", "AGENTADM_HOME", str(settings.home)),
        path_setting(settings),
        Setting("connect time-out", f"{CONNECT_SECONDS} s", f"{DEFAULT}; connect_timeout in the URL wins"),
        _seconds(settings, "statement time-out", "AGENTADM_STATEMENT_TIMEOUT", STATEMENT_SECONDS),
        Setting(
            "wait for locks", f"{LOCK_SECONDS if wait is None else wait:g} s", DEFAULT if wait is None else "--wait"
        ),
        _of_variable(settings, "embedded PostgreSQL", "AGENTADM_EMBEDDED_POSTGRES", "18"),
        _of_variable(settings, "embedded server is durable", "AGENTADM_EMBEDDED_DURABLE", "yes"),
        *(setting for each in settings.profiles.values() for setting in _of_profile(settings, each)),
    ]


def path_setting(settings: Settings) -> Setting:
    """Where the configuration file is looked for."""
    return _of_variable(settings, "configuration file", "AGENTADM_CONFIG", str(settings.config_path))


def profile_settings(settings: Settings) -> list[Setting]:
    """The profiles by name, and which is the default."""
    default = settings.file.get("default_profile")
    return [
        Setting(name, DEFAULT if name == default else None, str(settings.config_path))
        for name in sorted(settings.profiles)
    ]


def without_passwords(text: str) -> str:
    """A command line or URL with what looks like a password taken out."""
    return _PASSWORD.sub(lambda found: f"{found.group(1)}:***@" if found.group(1) else f"{found.group(2)}***", text)


def _database(settings: Settings, where: Callable[[], str]) -> Setting:
    try:
        source = settings.target.source
    except UsageError as error:
        # That there is none is an answer; that a file or a command is wrong is not.
        if error.message != NO_DATABASE:
            raise
        return Setting("database", None, NO_DATABASE)
    return Setting("database", where(), source)


def _key_material(settings: Settings) -> Setting:
    """Where it is, and nothing of it."""
    source = settings.key_source
    if source is None:
        return Setting("key material", None, "none is configured")
    return Setting("key material", HIDDEN if source.path is None else str(source.path), source.said_by)


def _said_by(settings: Settings, profile: Profile | None) -> str:
    if profile is None:
        return DEFAULT
    return "--profile" if settings.profile_name is not None else "default_profile"


def _of_variable(settings: Settings, setting: str, variable: str, default: str | None) -> Setting:
    given = settings.environ.get(variable)
    # Of a path the value in force is shown, which is absolute.
    if not given:
        return Setting(setting, default, DEFAULT)
    return Setting(setting, default if default and default.startswith("/") else given, variable)


def _seconds(settings: Settings, setting: str, variable: str, default: float) -> Setting:
    return Setting(
        setting, f"{settings.seconds(variable, default):g} s", variable if settings.environ.get(variable) else DEFAULT
    )


def _of_profile(settings: Settings, profile: Profile) -> Iterator[Setting]:
    start, source = f"profiles.{profile.name}", str(settings.config_path)
    if profile.database_url is not None:
        yield Setting(f"{start}.database_url", HIDDEN, source)
    if profile.database_url_command is not None:
        yield Setting(f"{start}.database_url_command", without_passwords(profile.database_url_command), source)
    if profile.key_file is not None:
        yield Setting(f"{start}.key_file", profile.key_file, source)
    yield Setting(f"{start}.require_reason", "yes" if profile.require_reason else "no", source)
