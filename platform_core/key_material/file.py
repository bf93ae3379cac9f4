"""The file of key material: made, and added to, whole or not at all; readable by its owner alone."""

import base64
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from platform_core.errors import NotPermitted, UsageError
from platform_core.key_material.ring import SECRET_BYTES, KeyRing, read_file
from platform_core.key_material.types import Purpose

if TYPE_CHECKING:
    from platform_core.config import Settings

HEADING = """\
# Key material of agentadm: without it no API key is known, and nothing that is encrypted can be read.
# It is in no backup of the database: keep a copy elsewhere, and show it to nobody.
"""


def make(path: Path) -> None:
    """Make a file with a first version for each purpose. One that is there stays as it is.

    Raises:
        NotPermitted, UsageError: it cannot be written.
    """
    if not path.exists():
        _write(path, {purpose: {1: secrets.token_bytes(SECRET_BYTES)} for purpose in Purpose}, new=True)


def with_new_version(settings: "Settings", purpose: Purpose, version: int, *, dry_run: bool) -> KeyRing:
    """The ring with a version made now; it is in the file when this returns, unless in a dry run.

    Raises:
        UsageError: there is no file to write to.
        NotPermitted: it cannot be written.
    """
    source = settings.key_source
    if source is None:
        raise UsageError(
            "no file of key material is configured", "set AGENTADM_KEY_FILE, or key_file in the profile, and try again"
        )
    if source.path is None:
        raise UsageError(
            f"{source.said_by} cannot be written: the key material comes from that variable",
            f"put {purpose} {version} there yourself, base64 of {SECRET_BYTES} random bytes, and run this again",
        )
    ring = read_file(source.path)
    held = {each: dict(ring.secrets.get(each, {})) for each in Purpose}
    held[purpose][version] = secrets.token_bytes(SECRET_BYTES)
    if not dry_run:
        _write(source.path, held, new=not source.path.exists())
    return KeyRing(held, str(source.path))


def _write(path: Path, held: dict[Purpose, dict[int, bytes]], *, new: bool) -> None:
    """Put the file in its place: the old one stays until the new one is on the disk."""
    # A link stays a link, to a file elsewhere.
    target = Path(os.path.realpath(path))
    try:
        descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_text(held))
                file.flush()
                os.fsync(file.fileno())
            if not new and os.geteuid() == 0:
                owner = target.stat()
                os.chown(beside, owner.st_uid, owner.st_gid)
            _place(Path(beside), target, new=new)
        finally:
            Path(beside).unlink(missing_ok=True)
        _sync(target.parent)
    except PermissionError as error:
        raise NotPermitted(f"{path} cannot be written: {error.strerror}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "nothing was changed") from error


def _place(beside: Path, target: Path, *, new: bool) -> None:
    if new:
        # Fails where another process was first; what that one made is never overwritten.
        os.link(beside, target)
    else:
        beside.replace(target)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(held: dict[Purpose, dict[int, bytes]]) -> str:
    tables = [
        f"\n[{purpose}]\n"
        + "".join(
            f'{version} = "{base64.b64encode(secret).decode()}"\n' for version, secret in sorted(versions.items())
        )
        for purpose, versions in held.items()
        if versions
    ]
    return HEADING + "".join(tables)
