"""What an API key looks like: where it is for, 32 random characters, and a checksum that finds every slip."""

import re
import secrets
import zlib
from dataclasses import dataclass

from platform_core.errors import UsageError
from platform_core.keys.types import Environment

PREFIX = "aa_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
# Of what is random enough is shown to tell the keys of a customer apart.
SHOWN_RANDOM = 6
# Of a key of another system: enough for its own prefix, and never so much that the rest could be guessed.
SHOWN_FOREIGN = 16
FOREIGN_SHARE = 3
SHORTEST_BEGINNING = 4
MISTYPED_HINT = "copy it whole: one character that is wrong, missing or too many is found by the checksum"
_FORM = re.compile(rf"aa_(live|test)_[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}")


class MistypedKey(UsageError):
    """What was given is no API key; the message never holds it."""


@dataclass(frozen=True)
class KeyText:
    """What a key tells without the database. `environment` is None of another system's key."""

    environment: Environment | None
    display_start: str


def generate(environment: Environment) -> str:
    """A new key."""
    body = f"{PREFIX}{environment.value}_" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def check(text: str) -> KeyText:
    """What a key tells; one of ours by its checksum, one of another system as it is.

    Raises:
        MistypedKey: it cannot be a key.
    """
    if not text.startswith(PREFIX):
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise MistypedKey("this is no API key: it is empty, or holds what no key does", MISTYPED_HINT)
        if not _ends_as_ours(text):
            return KeyText(None, display_start(text))
    if not is_whole(text):
        raise MistypedKey("this is no API key: its form or its checksum is wrong", MISTYPED_HINT)
    return KeyText(Environment(text[len(PREFIX) : len(PREFIX) + 4]), display_start(text))


def _ends_as_ours(text: str) -> bool:
    """Whether only the beginning is wrong: the rest is of a key of ours, and of no other system's."""
    rest = text[-RANDOM_LENGTH - CHECKSUM_LENGTH :]
    return any(is_whole(f"{PREFIX}{environment.value}_{rest}") for environment in Environment)


def is_whole(text: str) -> bool:
    """Whether a text is a whole key of ours: a secret."""
    return _FORM.fullmatch(text) is not None and checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def display_start(text: str) -> str:
    """The beginning that is stored, shown, and given as a reference."""
    if text.startswith(PREFIX):
        return text[: len(PREFIX) + len("live_") + SHOWN_RANDOM]
    return text[: min(SHOWN_FOREIGN, len(text) // FOREIGN_SHARE)]


def beginnings(text: str) -> list[str]:
    """Every beginning under which another system may have filed a key."""
    if text.startswith(PREFIX):
        return [display_start(text)]
    return [text[:length] for length in range(SHORTEST_BEGINNING, min(SHOWN_FOREIGN, len(text) - 1) + 1)]


def checksum(body: str) -> str:
    """The CRC-32 of a text in base 62, always as long."""
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
