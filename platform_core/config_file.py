"""Changes of the configuration file: comments and order stay, and it is there whole or as it was."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platform_core.config import FILE_FIELDS, PROFILE_FIELDS, Settings
from platform_core.errors import NotPermitted, UsageError
from platform_core.near import did_you_mean

# May hold a password: never an argument, never shown.
SECRET_FIELD = "database_url"  # noqa: S105 - the name of a setting
FLAGS = {"true": True, "yes": True, "false": False, "no": False}
KEYS = ("default_profile", *(f"profiles.NAME.{name}" for name in sorted(PROFILE_FIELDS)))
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def parsed_key(key: str) -> tuple[str, ...]:
    """The parts of a key: default_profile, or profiles, a name, and a field.

    Raises:
        UsageError: there is no such key.
    """
    parts = tuple(key.split("."))
    known = parts == ("default_profile",) or (
        len(parts) == 3 and parts[0] == "profiles" and _NAME.fullmatch(parts[1]) and parts[2] in PROFILE_FIELDS  # noqa: PLR2004 - profiles, name, field
    )
    if known:
        return parts
    last = parts[-1]
    meant = did_you_mean(last, PROFILE_FIELDS if len(parts) > 1 else FILE_FIELDS - {"profiles"})
    raise UsageError(f"no setting {key!r}{meant}", f"settings: {', '.join(KEYS)}")


def given_value(key: str, value: str | None, line: Callable[[], str] | None) -> str:
    """The value, by the way that its key allows.

    Args:
        key: the setting.
        value: of the command line, if any.
        line: reads the value from standard input, if that was asked for.

    Raises:
        UsageError: there is none, or two, or a secret stood on the command line.
    """
    if parsed_key(key)[-1] == SECRET_FIELD and value is not None:
        raise UsageError(
            f"{key} may hold a password, and is never an argument", f"agentadm config set {key} --stdin < FILE"
        )
    if (value is None) == (line is None):
        raise UsageError(f"{key} wants one value, as an argument or with --stdin")
    return value if value is not None else line()  # type: ignore[misc] # one of the two is there


def shown(key: str, value: str) -> str:
    """The value as it may be shown."""
    from platform_core.settings_shown import HIDDEN, without_passwords

    return HIDDEN if parsed_key(key)[-1] == SECRET_FIELD else without_passwords(value)


def changed(settings: Settings, key: str, value: str) -> str:
    """The file's text with a setting changed. Writes nothing.

    Args:
        settings: the file in force; what it says is checked.
        key: default_profile, or profiles.NAME.FIELD.
        value: as text.

    Raises:
        UsageError: the file, the key or the value is wrong.
    """
    import tomlkit

    parts = parsed_key(key)
    _ = settings.profiles
    path = settings.config_path
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    table = document
    for part in parts[:-1]:
        if part not in table:
            # "profiles" alone says nothing, so only its profiles get a heading.
            table[part] = tomlkit.table(is_super_table=part == "profiles")
        table = table[part]
    table[parts[-1]] = _checked(settings, parts, value)
    return tomlkit.dumps(document)


def _checked(settings: Settings, parts: tuple[str, ...], value: str) -> str | bool:
    if parts == ("default_profile",):
        if value not in settings.profiles:
            meant = did_you_mean(value, settings.profiles)
            raise UsageError(f"no profile {value!r}{meant} in {settings.config_path}", "define it first")
        return value
    if parts[-1] == "require_reason":
        if value.lower() not in FLAGS:
            raise UsageError(f"{value!r} is neither true nor false")
        return FLAGS[value.lower()]
    if parts[-1] == SECRET_FIELD:
        from platform_core.config import checked_url

        return checked_url(value, f"profile {parts[1]}")
    if not value.strip():
        raise UsageError(f"{'.'.join(parts)} cannot be empty")
    return value


def write(path: Path, text: str) -> None:
    """Put the text in the file's place, readable by its owner alone; the old one stays until the new one is whole.

    Raises:
        NotPermitted: the folder or the file cannot be written.
        UsageError: the path is none for a file.
    """
    import tempfile

    # A link stays a link, to a file elsewhere.
    target = Path(os.path.realpath(path))
    beside = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(target)
    except PermissionError as error:
        raise NotPermitted(f"{path} cannot be written: {error.strerror}") from error
    except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise UsageError(f"{path} cannot be a configuration file: {error.strerror}") from error
    finally:
        if beside:
            Path(beside).unlink(missing_ok=True)
