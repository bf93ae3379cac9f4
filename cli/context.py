"""What every command receives: the platform, the shared options, and the ways to read, write and ask."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import typer

from cli.shared import FOR_MASKED, FOR_READS, FOR_SEVERAL, Shared
from platform_core.errors import GuardTripped, Unchanged, UsageError
from platform_core.platform import Platform

if TYPE_CHECKING:
    from uuid import UUID

    from cli.output import Listing
    from cli.registry import CommandProperties
    from platform_core.bulk.types import ItemResult, ItemValue
    from platform_core.listing.types import ListRequest, Rows
    from platform_core.operations.types import Outcome, WriteRequest
    from platform_core.services import Services

T = TypeVar("T")


@dataclass
class Invocation:
    """One call of main: streams, environment, shared options, and the platform once it is needed."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    shared: Shared = field(default_factory=Shared)
    platform: Platform | None = None
    code: int = 0
    # Whether standard input held references: then there is no one to ask.
    stdin_taken: bool = False
    # Whether the work is over and the answer being written, and whether that work changed something.
    answering: bool = False
    changed: bool = False
    # What runs, once it is known.
    command: "CommandProperties | None" = None


class Context(typer.Context):
    """What a command receives."""

    @property
    def invocation(self) -> Invocation:
        """The call of main."""
        found: Invocation = self.find_root().obj
        return found

    @property
    def shared(self) -> Shared:
        """The shared options."""
        return self.invocation.shared

    @property
    def properties(self) -> "CommandProperties":
        """What is known of the running command."""
        found: CommandProperties = self.command.properties  # type: ignore[attr-defined] # every command is ours
        return found

    @property
    def platform(self) -> Platform:
        """The services behind the commands."""
        if self.invocation.platform is None:
            self.invocation.platform = Platform(
                self.invocation.environ,
                profile=self.shared.profile,
                wait_seconds=self.shared.wait,
                as_user=self.shared.as_user,
                trace=self.say if self.shared.debug else None,
            )
        return self.invocation.platform

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The command's own arguments, for the record; none of them is a secret, secrets come by other ways."""
        return {
            name: _plain(value) for name, value in self.params.items() if value or (value == 0 and value is not False)
        }

    def read(self, work: "Callable[[Services], T]") -> T:
        """Run statements that see one moment of the database and cannot change it."""
        return self.platform.read(work)

    def listed(self, request: "ListRequest", work: "Callable[[Services], Rows[T]]") -> "Listing[T]":
        """Run a list command: one page, or without a limit all rows, read while they are rendered.

        Args:
            request: what was asked for.
            work: the noun's list method.

        Raises:
            UsageError: a field that there is not, or a value of the wrong type.
        """
        from cli.listing import listed

        return listed(self, request, work)

    def write(
        self,
        work: "Callable[[Services], T]",
        *,
        inputs: Mapping[str, Any] | None = None,
        undoes: Any = None,
        targets: int = 1,
    ) -> T:
        """Confirm, then run one operation whole, or not at all.

        Args:
            work: the change.
            inputs: digests of files and of standard input, when the command reads any.
            undoes: the operation that this one puts back.
            targets: how many things are meant, for --expect.
        """
        from cli.output import refuse_unknown_columns

        refuse_unknown_columns(self.invocation, self.properties.result, several=False)
        self.check_expected(targets)
        self.confirm_here()
        request = self.request(inputs=inputs, undoes=undoes)
        result_type = self.properties.result
        if self.properties.cron:
            outcome = self.platform.run_job(self.properties.path, request, work, result_type)
        else:
            outcome = self.platform.write(request, work, result_type)
        self._report(outcome)
        return outcome.value

    def read_each(
        self, references: "Sequence[str]", load: "Callable[[Services, str], T]"
    ) -> "tuple[ItemValue, ...] | T":
        """Read what references name: of one the thing itself, of several, or of -, a result for each.

        Args:
            references: as given.
            load: the thing that a reference names.
        """
        if _is_one(references):
            return self.read(lambda services: load(services, references[0]))
        from cli.bulk import read_each

        return read_each(self, references, load)

    def write_each(
        self,
        references: "Sequence[str]",
        change: "Callable[[Services, str], T]",
        *,
        find: "Callable[[Services, str], UUID | str] | None" = None,
        deleted: bool = False,
        inputs: Mapping[str, Any] | None = None,
        private: bool = False,
    ) -> "tuple[ItemResult, ...] | T":
        """Confirm, then change what references name: of one the thing itself, of several, or of -, a result for each.

        Args:
            references: as given.
            change: changes what a reference names, and answers with it.
            find: the key of the row that a reference names; None for what the argument's kind is found by.
            deleted: find it among the deleted ones.
            inputs: what else makes two calls the same.
            private: keep nothing of what was given, where items fail.
        """
        if _is_one(references):
            self.refuse_options(frozenset({"resume", "restart", "results"}))
            self.arguments[self.references_name] = references[0]
            return self.write(lambda services: change(services, references[0]), inputs=inputs)
        from cli.bulk import finder, write_each

        return write_each(self, references, change, find or finder(self, deleted=deleted), inputs, private=private)

    @property
    def references_name(self) -> str:
        """Name of the argument that takes several references."""
        return next(str(parameter.name) for parameter in self.command.params if parameter.nargs == -1)

    @cached_property
    def targets(self) -> str:
        """What is meant, as a question names it."""
        return " ".join(str(value) for value in self.arguments.values())

    def refuse_options(self, names: frozenset[str]) -> None:
        """Refuse shared options that have no meaning here.

        Raises:
            UsageError: one was given.
        """
        for name in sorted(names):
            if (given := getattr(self.shared, name)) is None or given is False:
                continue
            option, path = f"--{name.replace('_', '-')}", self.properties.path
            if name in FOR_MASKED:
                raise UsageError(f"{option}: nothing is masked in the answer of {path}")
            if name in FOR_READS:
                raise UsageError(f"{option}: {path} does not read with a user's eyes")
            if name in FOR_SEVERAL:
                raise UsageError(f"{option} is for changes of several items", "give several references, or - for stdin")
            raise UsageError(f"{option} is for commands that change something, {path} only reads")

    def refuse_idempotency_key(self, why: str) -> None:
        """Refuse --idempotency-key where it does harm.

        Raises:
            UsageError: it was given.
        """
        if self.shared.idempotency_key is not None:
            raise UsageError(f"--idempotency-key is refused by {self.properties.path}: {why}", "leave it out")

    def refuse_unread_as_user(self) -> None:
        """Refuse --as-user where nothing was read as that user.

        Raises:
            UsageError: it was given in vain.
        """
        platform = self.invocation.platform
        if self.shared.as_user is not None and (platform is None or not platform.was_read_as_user):
            raise UsageError(f"--as-user: {self.properties.path} reads nothing that belongs to a user", "leave it out")

    def request(self, *, inputs: Mapping[str, Any] | None = None, undoes: Any = None) -> "WriteRequest":
        """The operation as it is asked for.

        Raises:
            UsageError: the profile demands a reason and none was given.
        """
        from platform_core.operations.types import WriteRequest

        shared = self.shared
        profile = self.platform.settings.profile
        if profile is not None and profile.require_reason and not shared.reason:
            raise UsageError(f"profile {profile.name} demands a reason for every change", "add --reason TEXT")
        return WriteRequest(
            command=self.properties.path,
            arguments=self.arguments,
            inputs={**self.arguments, **(inputs or {})},
            reason=shared.reason,
            ticket=shared.ticket,
            idempotency_key=shared.idempotency_key,
            actor=shared.actor,
            dry_run=shared.dry_run,
            max_affected=shared.max_affected,
            undoes=undoes,
        )

    def check_expected(self, targets: int) -> None:
        """Hold --expect against the number of things that are meant.

        Raises:
            GuardTripped: they differ.
        """
        if self.shared.expect is not None and self.shared.expect != targets:
            raise GuardTripped(f"--expect {self.shared.expect}, but {targets} would be changed", "nothing was changed")

    def confirm(self, environment: str, *, production: bool) -> None:
        """Name a production environment, and ask where the command's risk demands it. A dry run needs no answer.

        Raises:
            Refused: the answer was no, or there is no one to ask.
        """
        from cli.confirmation import confirm

        confirm(self, environment, production=production)

    def confirm_here(self) -> None:
        """As confirm, in the environment of the installation's mark."""
        self.confirm(self.platform.mark.environment, production=self.platform.mark.production)

    def confirm_on_database(self) -> None:
        """As confirm, for commands that must work whatever the schema's version is."""
        status = self.platform.care.status()
        self.confirm(status.environment or "unmarked", production=bool(status.production))

    def secret_line(self) -> str:
        """A secret from standard input: one line, never an argument.

        Raises:
            UsageError: there is none.
        """
        line = self.invocation.stdin.readline().rstrip("\n")
        if not line:
            raise UsageError("no secret on standard input", "for example: agentadm ... < FILE")
        return line

    def note(self, text: str) -> None:
        """Say something on stderr that is not the result; --quiet leaves it out."""
        from cli.output.notes import write_note

        if not self.shared.quiet:
            write_note(self.invocation, text)

    def say(self, text: str) -> None:
        """Say what must not go unsaid on stderr, even to the quiet."""
        from cli.output.notes import write_note

        write_note(self.invocation, text)

    def would(self, text: str) -> None:
        """In a dry run, say what would be done."""
        if self.shared.dry_run:
            self.note(f"dry run: would {text}; nothing was changed")

    def finish(self, value: Any) -> None:
        """Render the command's value."""
        from cli.output import render

        if value is not None:
            render(value, self.properties.result, self.invocation)

    def can_ask(self) -> bool:
        """Whether there is somebody to ask: stdin and stderr are terminals, and --no-input was not given."""
        free = not self.shared.no_input and not self.invocation.stdin_taken
        return free and self.invocation.stdin.isatty() and self.invocation.stderr.isatty()

    def report_run(self, outcome: "Outcome[Any]") -> None:
        """Say what one operation over several items did; whether it was nothing, each item says."""
        if outcome.replayed or outcome.dry_run or outcome.affected:
            self._report(outcome)

    def _report(self, outcome: "Outcome[Any]") -> None:
        from cli.output.notes import write_changes
        from cli.output.text import counted

        if outcome.replayed:
            self.note(f"replayed: operation {outcome.operation_id} ran under this key before; nothing was changed")
            return
        if self.shared.error_unchanged and outcome.affected == 0 and not outcome.dry_run:
            raise Unchanged("nothing to change", operation_id=str(outcome.operation_id))
        if outcome.dry_run:
            write_changes(self.invocation, outcome)
        elif outcome.affected == 0:
            self.note("nothing to change")
        else:
            self.note(f"operation {outcome.operation_id}: {counted(outcome.affected, 'row')} changed")


def _is_one(references: Sequence[str]) -> bool:
    return len(references) == 1 and references[0] != "-"


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, dict)) else str(value)
