"""Settings: where the database is, and how to behave towards it. From the environment and one TOML file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_core.errors import UsageError
from platform_core.near import did_you_mean

if TYPE_CHECKING:
    from platform_core.db.embedded import EmbeddedServer

NO_DATABASE = "no database is configured"
NO_DATABASE_HINT = (
    "set AGENTADM_DATABASE_URL, name a profile with --profile, or make a local server with: agentadm db init --embedded"
)
PROFILE_FIELDS = frozenset({"database_url", "database_url_command", "key_file", "require_reason"})
FILE_FIELDS = frozenset({"default_profile", "profiles"})
# The key material itself, as TOML, and a file of it.
KEY_VARIABLE = "AGENTADM_KEY_MATERIAL"
KEY_FILE_VARIABLE = "AGENTADM_KEY_FILE"
KEY_FILE = "key-material.toml"


@dataclass(frozen=True)
class Profile:
    """A named environment of the configuration file."""

    name: str
    database_url: str | None = None
    database_url_command: str | None = None
    require_reason: bool = False
    key_file: str | None = None


@dataclass(frozen=True)
class Target:
    """Which database, and which setting said so.

    `url` is a libpq URL or connection string; None means the embedded server of this home.
    """

    url: str | None
    source: str

    @property
    def embedded(self) -> bool:
        """Whether it is the embedded server."""
        return self.url is None


@dataclass(frozen=True)
class KeySource:
    """Where the key material comes from: a file, or with no path the variable that says so."""

    said_by: str
    path: Path | None


@dataclass(frozen=True)
class Settings:
    """What the environment and the configuration file say.

    Args:
        environ: the environment variables, read once at start.
        profile_name: the value of --profile, if given; it wins over the environment.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    profile_name: str | None = None

    @cached_property
    def home(self) -> Path:
        """The folder of the embedded server and of local state (AGENTADM_HOME)."""
        if given := self.environ.get("AGENTADM_HOME"):
            return Path(given).expanduser().absolute()
        from platformdirs import user_data_path

        return user_data_path("agentadm")

    @cached_property
    def config_path(self) -> Path:
        """The configuration file (AGENTADM_CONFIG), whether or not it exists."""
        if given := self.environ.get("AGENTADM_CONFIG"):
            return Path(given).expanduser().absolute()
        from platformdirs import user_config_path

        return user_config_path("agentadm") / "config.toml"

    @cached_property
    def file(self) -> dict[str, Any]:
        """The configuration file's content; empty without a file.

        Raises:
            UsageError: the file is not TOML, or has a field that is not known.
        """
        if not self.config_path.is_file():
            return {}
        import tomllib

        try:
            content = tomllib.loads(self.config_path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.config_path} is not valid TOML: {error}") from error
        _refuse_unknown(content, FILE_FIELDS, str(self.config_path))
        return content

    @cached_property
    def profiles(self) -> dict[str, Profile]:
        """The profiles of the configuration file by name."""
        found: dict[str, Profile] = {}
        for name, fields in self.file.get("profiles", {}).items():
            _refuse_unknown(fields, PROFILE_FIELDS, f"{self.config_path}: profile {name}")
            found[name] = Profile(name, **fields)
        return found

    @cached_property
    def profile(self) -> Profile | None:
        """The profile in force: --profile, else the default one when no URL is in the environment."""
        # Read whole, so that a mistake in the file is never overlooked.
        _ = self.profiles
        if self.profile_name is not None:
            return self._profile(self.profile_name, "--profile")
        if self._environment_url() is not None:
            return None
        default = self.file.get("default_profile")
        return self._profile(default, "default_profile") if default is not None else None

    @cached_property
    def target(self) -> Target:
        """The database, by the order: profile option, two variables, default profile, embedded server.

        Raises:
            UsageError: none is configured, or the profile is not known. Nothing is started.
        """
        if self.profile is not None:
            return Target(self._profile_url(self.profile), f"profile {self.profile.name}")
        if (found := self._environment_url()) is not None:
            return found
        if self.embedded_server.exists():
            return Target(None, f"embedded server in {self.home}")
        raise UsageError(NO_DATABASE, NO_DATABASE_HINT)

    @cached_property
    def embedded_server(self) -> "EmbeddedServer":
        """The embedded server of this home, whether or not it exists."""
        from platform_core.db.embedded import EmbeddedServer

        return EmbeddedServer(
            self.home,
            postgres=self.environ.get("AGENTADM_EMBEDDED_POSTGRES", "18"),
            durable=self.environ.get("AGENTADM_EMBEDDED_DURABLE", "yes") != "no",
        )

    @property
    def key_source(self) -> KeySource | None:
        """Where the key material comes from, by the order: two variables, the profile, the embedded server's home.

        Raises:
            UsageError: the profile is not known.
        """
        if self.environ.get(KEY_VARIABLE):
            return KeySource(KEY_VARIABLE, None)
        if given := self.environ.get(KEY_FILE_VARIABLE):
            return KeySource(KEY_FILE_VARIABLE, Path(given).expanduser().absolute())
        if self.profile is not None:
            if self.profile.key_file is None:
                return None
            path = self.config_path.parent / Path(self.profile.key_file).expanduser()
            return KeySource(f"profile {self.profile.name}", path.absolute())
        # Another server's keys are nobody's business here.
        if self._environment_url() is not None or not self.embedded_server.exists():
            return None
        return KeySource(f"embedded server in {self.home}", self.home / KEY_FILE)

    @cached_property
    def clock(self) -> str | None:
        """The fake time of AGENTADM_CLOCK (RFC 3339), or None. A production database ignores it."""
        return self.environ.get("AGENTADM_CLOCK") or None

    def seconds(self, variable: str, default: float) -> float:
        """A duration in seconds from the environment.

        Raises:
            UsageError: the value is not a number of seconds, 0 or more.
        """
        given = self.environ.get(variable)
        if given is None or given == "":
            return default
        try:
            value = float(given)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e9:  # noqa: PLR2004 - some bound, so that inf and nan are refused too
            raise UsageError(f"{variable}={given!r} is not a number of seconds", f"for example {variable}=30")
        return value

    def _environment_url(self) -> Target | None:
        for variable in ("AGENTADM_DATABASE_URL", "DATABASE_URL"):
            if url := self.environ.get(variable):
                return Target(checked_url(url, variable), variable)
        return None

    def _profile(self, name: str, said_by: str) -> Profile:
        if name not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none is defined"
            meant = did_you_mean(name, self.profiles)
            raise UsageError(
                f"no profile {name!r} ({said_by}) in {self.config_path}{meant}", f"known profiles: {known}"
            )
        return self.profiles[name]

    def _profile_url(self, profile: Profile) -> str:
        where = f"profile {profile.name} in {self.config_path}"
        if profile.database_url is not None:
            return checked_url(profile.database_url, where)
        if profile.database_url_command is None:
            raise UsageError(f"{where} has neither database_url nor database_url_command")
        import shlex
        import subprocess

        try:
            done = subprocess.run(
                shlex.split(profile.database_url_command),
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise UsageError(f"database_url_command of {where} failed: {type(error).__name__}") from error
        return checked_url(done.stdout.strip(), where)


def checked_url(url: str, where: str) -> str:
    """The URL as libpq reads it; SQLAlchemy's driver suffix is taken off. Never names the URL: it holds a password."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme.partition("+")[0] in {"postgres", "postgresql"}:
        from urllib.parse import urlsplit

        try:
            _ = urlsplit(url).port
        except ValueError as error:
            raise UsageError(f"the database URL of {where} is malformed: {error}") from error
        return f"postgresql://{rest}"
    if not separator and "=" in url:
        return url
    raise UsageError(
        f"the database URL of {where} is not PostgreSQL's",
        "it has the form postgresql://user@host:5432/database",
    )


def _refuse_unknown(content: Any, known: frozenset[str], where: str) -> None:
    if not isinstance(content, dict):
        raise UsageError(f"{where} is not a table of settings")
    if unknown := sorted(set(content) - known):
        meant = did_you_mean(unknown[0], known)
        raise UsageError(f"{where}: unknown setting {unknown[0]!r}{meant}", f"known: {', '.join(sorted(known))}")
