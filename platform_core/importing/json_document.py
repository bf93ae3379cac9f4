"""A JSON document with records in an array, read value by value, so that memory does not grow with it."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from platform_core.errors import UsageError

BLOCK_CHARACTERS = 1 << 20
LONGEST_VALUE = 16 << 20
# What an API wraps around its pages.
WRAPPERS = ("data", "items", "users")
_SPACE = re.compile(r"[\s\ufeff]*")
_SPACE_AND_COMMAS = re.compile(r"[\s,]*")
_WRAPPED = re.compile(rf'\{{\s*"(?:{"|".join(WRAPPERS)})"\s*:\s*\[')


def records(path: Path, name: str) -> Iterator[Any]:
    """The records of an array, of {"data": [...]} or {"items": [...]}, of several such pages, or one by one.

    Raises:
        UsageError: it is not JSON.
    """
    with path.open(encoding="utf-8") as file:
        yield from _Document(file, name).records()


class _Document:
    def __init__(self, file: TextIO, name: str) -> None:
        self._file = file
        self._name = name
        self._decoder = json.JSONDecoder(parse_float=Decimal)
        self._text = ""
        self._at = 0
        self._line = 1

    def records(self) -> Iterator[Any]:
        while self._skip(_SPACE):
            wrapped = _WRAPPED.match(self._text, self._at)
            if wrapped is not None:
                self._at = wrapped.end()
                yield from self._array()
                # The rest of the object, as one of its own.
                self._text, self._at = f'{{"":0{self._text[self._at :]}', 0
                self._value()
            elif self._text[self._at] == "[":
                self._at += 1
                yield from self._array()
            else:
                yield from unwrapped(self._value())

    def _array(self) -> Iterator[Any]:
        while self._skip(_SPACE_AND_COMMAS):
            if self._text[self._at] == "]":
                self._at += 1
                return
            yield self._value()
        raise self._broken()

    def _value(self) -> Any:
        while True:
            try:
                value, self._at = self._decoder.raw_decode(self._text, self._at)
            except (json.JSONDecodeError, RecursionError):
                if len(self._text) - self._at > LONGEST_VALUE or not self._more():
                    raise self._broken() from None
            else:
                return value

    def _skip(self, skipped: re.Pattern[str]) -> bool:
        """Go on to what comes next. Returns whether there is anything."""
        while True:
            found = skipped.match(self._text, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def _more(self) -> bool:
        self._line += self._text.count("\n", 0, self._at)
        try:
            read = self._file.read(BLOCK_CHARACTERS)
        except UnicodeDecodeError:
            raise UsageError(f"{self._name} is not UTF-8", "save it as UTF-8") from None
        self._text, self._at = self._text[self._at :] + read, 0
        return bool(read)

    def _broken(self) -> UsageError:
        line = self._line + self._text.count("\n", 0, self._at)
        return UsageError(f"{self._name}: what begins on line {line:,} is not JSON", "export it again")


def unwrapped(value: Any) -> list[Any]:
    """The records of a page; anything else is a record."""
    if isinstance(value, dict):
        for name in WRAPPERS:
            if isinstance(value.get(name), list):
                page: list[Any] = value[name]
                return page
    return [value]
