"""The ring: peppers and encryption keys as a file or a variable holds them, and what is done with them."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_core.errors import AgentadmError, NotPermitted, UsageError
from platform_core.key_material.types import Purpose

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

    from platform_core.config import Settings

SECRET_BYTES = 32
FINGERPRINT_LENGTH = 32
FOR_OTHERS = 0o077
FORM_HINT = 'a table for each purpose, of a number for each version: [pepper] 1 = "..." is base64 of 32 random bytes'
ADD_HINT = "make one with: agentadm db key-material add {}"
Secrets = Mapping[Purpose, Mapping[int, bytes]]


@dataclass(frozen=True)
class KeyRing:
    """Secrets by purpose and version. Never shown: not in its text form either.

    Attributes:
        secrets: the secrets.
        where: what holds them, for people.
    """

    secrets: Secrets = field(repr=False)
    where: str

    def only(self, known: Mapping[Purpose, Collection[int]]) -> "KeyRing":
        """The ring with these versions and no others."""
        kept = {
            purpose: {version: secret for version, secret in versions.items() if version in known.get(purpose, ())}
            for purpose, versions in self.secrets.items()
        }
        return KeyRing(kept, self.where)

    def versions(self, purpose: Purpose) -> list[int]:
        """The versions there are, oldest first."""
        return sorted(self.secrets.get(purpose, {}))

    def newest(self, purpose: Purpose) -> int:
        """The version that what is new gets.

        Raises:
            UsageError: there is none.
        """
        found = self.versions(purpose)
        if not found:
            raise UsageError(f"this installation has no {_word(purpose)}", ADD_HINT.format(purpose))
        return found[-1]

    def fingerprint(self, purpose: Purpose, version: int) -> str:
        """What tells a secret from another, and nothing of the secret."""
        label = f"agentadm key material: {purpose} {version}"
        return hmac.new(self._secret(purpose, version), label.encode(), hashlib.sha256).hexdigest()[:FINGERPRINT_LENGTH]

    def hash_key(self, text: str, version: int) -> str:
        """The hash under which an API key is stored."""
        return hmac.digest(self._secret(Purpose.PEPPER, version), text.encode(), "sha256").hex()

    def encrypt(self, text: str) -> str:
        """A text as an encrypted column stores it: the newest version, a colon, and a Fernet token."""
        version = self.newest(Purpose.ENCRYPTION)
        return f"{version}:{self._fernet(version).encrypt(text.encode()).decode()}"

    def decrypt(self, stored: str) -> str:
        """The text of a stored value, by the version that it names.

        Raises:
            AgentadmError: it was tampered with, or was not stored by encrypt.
            UsageError: the version that it names is not here.
        """
        from cryptography.fernet import InvalidToken

        named, _, token = stored.partition(":")
        if not named.isdecimal():
            raise _tampered()
        try:
            return self._fernet(int(named)).decrypt(token).decode()
        except InvalidToken:
            raise _tampered() from None

    def holds(self, stored: str | None, text: str | None) -> bool:
        """Whether a stored value is that of a text. One that cannot be read is another: it may still be set anew."""
        if stored is None or text is None:
            return stored is text
        try:
            return hmac.compare_digest(self.decrypt(stored).encode(), text.encode())
        except AgentadmError:
            return False

    def _fernet(self, version: int) -> "Fernet":
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self._secret(Purpose.ENCRYPTION, version)))

    def _secret(self, purpose: Purpose, version: int) -> bytes:
        try:
            return self.secrets[purpose][version]
        except KeyError:
            told = f"{_word(purpose)} {version} is not in {self.where}"
            raise UsageError(told, "put back what was there: it was not in the database") from None


def read_ring(settings: "Settings") -> KeyRing:
    """The ring of the settings in force; an empty one where nothing says where it is, or the file is not there.

    Raises:
        UsageError: it is not what it should be, or others may read the file. Never says what is in it.
        NotPermitted: the file cannot be read.
    """
    source = settings.key_source
    if source is None:
        return KeyRing({}, "any key file: none is configured")
    if source.path is None:
        return KeyRing(_parsed(settings.environ[source.said_by], source.said_by), source.said_by)
    return read_file(source.path)


def read_file(path: Path) -> KeyRing:
    """The ring in a file; an empty one where there is no file. Errors as read_ring's."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return KeyRing({}, f"{path}, which is not there")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8", FORM_HINT) from None
    except PermissionError as error:
        raise NotPermitted(f"{path} cannot be read: {error.strerror}", "run as whoever owns it") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if mode & FOR_OTHERS:
        raise UsageError(
            f"{path} holds key material, and others than its owner may use it (mode {mode & 0o777:04o})",
            f"chmod 600 {path}; if anybody may have read it, add new versions: agentadm db key-material add",
        )
    return KeyRing(_parsed(text, str(path)), str(path))


def _parsed(text: str, where: str) -> Secrets:
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # What the parser says may quote what it stumbled over.
        raise UsageError(f"{where} is not valid TOML", FORM_HINT) from None
    if unknown := sorted(set(content) - set(Purpose)):
        raise UsageError(f"{where} has a table {unknown[0][:20]!r}, known are: {', '.join(Purpose)}", FORM_HINT)
    return {Purpose(name): _versions(versions, name, where) for name, versions in content.items()}


def _versions(versions: Any, name: str, where: str) -> dict[int, bytes]:
    if not isinstance(versions, dict):
        raise UsageError(f"{name} in {where} is no table", FORM_HINT)
    found = {}
    for place, (version, secret) in enumerate(versions.items(), 1):
        if not version.isascii() or not version.isdecimal() or version != str(int(version)) or version == "0":
            raise UsageError(f"entry {place} of {name} in {where} has no number for a name", FORM_HINT)
        found[int(version)] = _decoded(secret, f"{name} {version} in {where}")
    return found


def _decoded(secret: Any, what: str) -> bytes:
    try:
        found = base64.b64decode(secret, validate=True)
    except (TypeError, ValueError, binascii.Error):
        found = b""
    if len(found) != SECRET_BYTES:
        raise UsageError(f"{what} is not base64 of {SECRET_BYTES} bytes", FORM_HINT) from None
    return found


def _word(purpose: Purpose) -> str:
    return "encryption key" if purpose is Purpose.ENCRYPTION else "pepper"


def _tampered() -> AgentadmError:
    return AgentadmError(
        "an encrypted value cannot be read: it was changed, or was not encrypted by agentadm",
        "restore it from a backup, or set it anew",
    )
