"""The guard of CSV cells against texts that a spreadsheet would run, put on by lists and taken off by imports."""

import re

_NUMBER_OR_PHONE = re.compile(r"[+-]?[0-9][0-9 ().,/-]*(?:[eE][+-]?[0-9]+)?")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(text: str) -> str:
    """A text that no spreadsheet runs. Numbers and phone numbers stay as they are."""
    return f"'{text}" if _is_guarded(text) else text


def unguarded_cell(text: str) -> str:
    """The text that became this cell in `guarded`, whatever apostrophes it began with itself."""
    return text[1:] if text.startswith("'") and _is_guarded(text[1:]) else text


def _is_guarded(text: str) -> bool:
    """Whether a text gets an apostrophe: a formula, and one that would else be taken for a guarded formula."""
    bare = text.lstrip("'")
    return bare.startswith(_FORMULA_STARTS) and not _NUMBER_OR_PHONE.fullmatch(bare)
