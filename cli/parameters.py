"""Parameters that load a validator only where they need one: Typer's own loads pydantic in every command."""

import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperArgument, TyperOption

from platform_core.near import did_you_mean

# In help.
PLACES = {"<str>": "TEXT", "<int>": "N", "<float>": "N", "<list[str]>": "TEXT"}
WIDEST = 2**31 - 1
NUMBERS: dict[Any, re.Pattern[str]] = {
    int: re.compile("[0-9]{1,19}"), float: re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?"),
}  # fmt: skip


def _needs_no_validator(parameter: Any, value: Any) -> bool:
    """Whether a value is right as it stands: a validator would load pydantic in every command."""
    if value is None:
        return not parameter.required
    wanted = parameter.type_descriptor
    if (parameter.nargs == -1 or getattr(parameter, "multiple", False)) and wanted.annotation == list[str]:
        return bool(value)
    if type(value) is wanted.annotation is int:
        return True  # a default: what is given arrives as text
    return isinstance(value, str) and (
        wanted.annotation is str or value in {str(word) for word in wanted.choices or ()}
    )


def _quick_number(parameter: Any, value: Any) -> float | None:
    """A number as typed, within its bounds; None for whatever the validator is to look at."""
    kind = parameter.type_descriptor.annotation
    pattern = NUMBERS.get(kind) if isinstance(value, str) else None
    if pattern is None or not pattern.fullmatch(value):
        return None
    number: float = kind(value)
    fits = (parameter.min is None or number >= parameter.min) and (parameter.max is None or number <= parameter.max)
    return number if fits else None


def refuse_unknown_word(ctx: Any, parameter: Any, value: Any) -> None:
    """Say no to a word that is not among the choices, and which one is nearest.

    Raises:
        BadParameter: it is none of them.
    """
    words = [str(word) for word in parameter.type_descriptor.choices or ()]
    if words and isinstance(value, str) and value not in words:
        known = f"known: {', '.join(words)}"
        raise typer.BadParameter(f"{value!r} is not known{did_you_mean(value, words)} ({known})", ctx, parameter)


def _processed(parameter: Any, validated: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    """A value as the command receives it; Typer's validator looks at it only where it has to."""
    if (number := _quick_number(parameter, value)) is not None:
        return number
    if not ctx.resilient_parsing and not _needs_no_validator(parameter, value):
        refuse_unknown_word(ctx, parameter, value)
        return validated(ctx, value)
    words = parameter.type_descriptor.choices or ()
    return next((word for word in words if str(word) == value), value)


def _or_files(parameter: Any, incomplete: str, found: list[Any]) -> list[Any]:
    """Where a path is wanted, the shell completes files by itself."""
    if found or not parameter.type_descriptor.is_path:
        return found
    from cli.completion import file_candidate

    return [file_candidate(incomplete)]


def _shown_type(parameter: Any, shown: str | None) -> str | None:
    """What help says of a value: what stands for it, or its words; <str> and the like tell nobody anything."""
    return shown if parameter.type_descriptor.choices else PLACES.get(shown or "", shown)


def _shown_range(least: float | None, most: float | None) -> str | None:
    """Between what a number is, as far as that is no matter of course."""
    if most is not None and most < WIDEST:
        return f"{least or 0} to {most}"
    return f"{least} or more" if least else None


class QuickOption(TyperOption):
    """An option that is validated only where it has to be."""

    def display_type_rich(self, ctx: Any) -> str | None:
        """What stands for its value."""
        return _shown_type(self, super().display_type_rich(ctx))

    def _get_number_range_help_str(self) -> str | None:
        return _shown_range(self.min, self.max)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Candidates for a value."""
        return _or_files(self, incomplete, super().shell_complete(ctx, incomplete))

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as the command receives it."""
        return _processed(self, super().process_value, ctx, value)


class QuickArgument(TyperArgument):
    """An argument that is validated only where it has to be."""

    def display_type_rich(self, ctx: Any) -> str | None:
        """The words that it takes; its name says all else."""
        return super().display_type_rich(ctx) if self.type_descriptor.choices else None

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Candidates for a value."""
        return _or_files(self, incomplete, super().shell_complete(ctx, incomplete))

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as the command receives it."""
        return _processed(self, super().process_value, ctx, value)


def make_quick(parameters: list[Any]) -> None:
    """Let Typer's parameters skip validators that they do not need."""
    quick: dict[Any, Any] = {TyperOption: QuickOption, TyperArgument: QuickArgument}
    for parameter in parameters:
        # Typer makes the parameters itself and offers no class of one's own for them.
        parameter.__class__ = quick.get(type(parameter), type(parameter))
