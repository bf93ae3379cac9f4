"""Slugs: names as they stand in addresses."""

import re

from platform_core.errors import UsageError

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SLUG_LENGTH = 100


def slug_of(name: str) -> str:
    """A slug made from a name: lower case, digits and hyphens.

    Raises:
        UsageError: nothing of the name can be in a slug.
    """
    import unicodedata

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:SLUG_LENGTH].strip("-")
    if not slug:
        raise UsageError(f"no slug can be made from the name {name!r}", "give one with --slug")
    return slug


def checked_slug(slug: str) -> str:
    """The slug, if it is one.

    Raises:
        UsageError: it is none.
    """
    if not SLUG.fullmatch(slug) or len(slug) > SLUG_LENGTH:
        raise UsageError(f"{slug!r} is no slug", "lower case letters, digits, and hyphens between them")
    return slug
