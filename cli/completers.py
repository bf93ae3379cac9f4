"""What completes a value: named where the type of an argument or option is declared. None of them loads a driver."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import typer

Completer = Callable[[typer.Context, str], list[tuple[str, str]]]


def of_database(noun: str) -> Completer:
    """Names of things in the database that begin like what was typed.

    Args:
        noun: as in STATEMENTS of platform_core/db/candidates_queries.py.
    """

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        found = ctx.platform.candidates(noun, incomplete)  # type: ignore[attr-defined] # every context is ours
        # As it was typed: a reference means the same whatever its case, and a shell compares letter by letter.
        return [(incomplete + value[len(incomplete) :], told) for value, told in found if not value.startswith("-")]

    return complete


def of_words(*words: str) -> Completer:
    """One of a few words.

    Args:
        words: all there are.
    """

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:  # noqa: ARG001 - Typer's signature
        return [(word, "") for word in words if word.startswith(incomplete)]

    return complete


def periods(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:  # noqa: ARG001 - Typer's signature
    """Periods that have a name."""
    from platform_core.periods import NAMED

    return [(name, "") for name in NAMED if name.startswith(incomplete)]


def profiles(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Profiles of the configuration file."""
    known = ctx.platform.settings.profiles  # type: ignore[attr-defined] # every context is ours
    return [(name, "") for name in sorted(known) if name.startswith(incomplete)]


def setting_keys(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Settings of the configuration file, with the names of its profiles."""
    from platform_core.config import PROFILE_FIELDS

    names = ctx.platform.settings.profiles  # type: ignore[attr-defined] # every context is ours
    keys = ["default_profile", *(f"profiles.{name}.{each}" for name in names for each in sorted(PROFILE_FIELDS))]
    return [(key, "") for key in keys if key.startswith(incomplete)]


def field_names(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Fields of what the command answers with, the last one of a list with commas."""
    before, comma, start = incomplete.rpartition(",")
    given = before.split(",")
    return [(before + comma + name, "") for name in known_fields(ctx) if name.startswith(start) and name not in given]


def known_fields(ctx: typer.Context) -> list[str]:
    """Fields of what the command answers with, as its return annotation says."""
    properties = getattr(ctx.command, "properties", None)
    return [] if properties is None else _fields_of(properties.result)


def _fields_of(annotation: Any) -> list[str]:
    for inner in getattr(annotation, "__args__", ()):
        if found := _fields_of(inner):
            return found
    return [field.name for field in fields(annotation)] if is_dataclass(annotation) else []


def topics(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Topics of help, nouns, and the verbs of a noun that was named before."""
    from cli.topics import TOPICS

    given = list(ctx.params.get("words") or ())
    group: Any = ctx.find_root().command
    for word in given:
        group = group.get_command(ctx, word)
    names: list[str] = group.list_commands(ctx) if hasattr(group, "list_commands") else []
    known = {name: topic.summary for name, topic in TOPICS.items()} if not given else {}
    return [(name, told) for name, told in {**known, **dict.fromkeys(names, "")}.items() if name.startswith(incomplete)]
