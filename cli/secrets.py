"""What commands do with API keys in plain text: hand over those that were made, read those that are to be verified.

A key that goes to a file is never lost: its line is on the disk before its transaction commits. A line whose key was
not committed is taken out again; where that cannot be told it stays, and opens nothing.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cli.bulk import FROM_STDIN, whole_file
from platform_core.errors import AgentadmError, ExitCode, MissingPrivilege, TryAgain, UsageError
from platform_core.keys.types import ApiKey, Asked, IssuedKey, Rehash, Verdict

if TYPE_CHECKING:
    from cli.context import Context
    from platform_core.bulk.types import ItemResult
    from platform_core.services import Services

FIELDS = ("id", "display_start", "user", "name", "key")
VERIFY_HINT = "--scope 'POST /v1/runs', --environment and --agent say what the request is for"
JSON_ENDINGS = frozenset({".jsonl", ".ndjson", ".json"})
Take = Callable[[ApiKey, str], None]


def issued(
    ctx: "Context",
    references: Sequence[str],
    secrets_to: str | None,
    make: "Callable[[Services, str, Take], IssuedKey]",
) -> "tuple[ItemResult, ...] | IssuedKey":
    """Make keys, and hand over their plain texts: of one in the answer, else in a file.

    Args:
        ctx: of the command.
        references: what they are made for.
        secrets_to: the file.
        make: makes one, and gives its plain text to what it is handed.

    Raises:
        UsageError: several are to be made, and there is no file, or one that is there already.
    """
    several = len(references) != 1 or references[0] == FROM_STDIN
    if several and secrets_to is None:
        raise UsageError("the plain texts of several keys go to a file", "name a new one: --secrets-to FILE")
    columns = ctx.shared.columns
    if secrets_to is None and columns is not None and "key" not in {name.strip() for name in columns.split(",")}:
        raise UsageError("the plain text is shown once, and --columns leaves it out", "add key, or --secrets-to FILE")
    with _handing_over(ctx, secrets_to) as given:
        # Digests of what is stored hold no secret: neither does the answer that goes to the database.
        made = ctx.write_each(references, lambda services, reference: make(services, reference, given.take))
    if isinstance(made, tuple):
        return made
    return given.shown(made)


class _Given:
    """The keys that were made in this run, in plain text.

    Args:
        file: where they are to go; None to show the one.
        dry_run: whether they are thrown away.
    """

    def __init__(self, file: Path | None, *, dry_run: bool) -> None:
        self.file = file
        self._dry_run = dry_run
        self._texts: dict[UUID, tuple[ApiKey, str]] = {}
        self._stream = None if file is None or dry_run else _new_file(file)
        if self._stream is not None and not self._as_json:
            self._stream.write(_csv_line(FIELDS))

    @property
    def _as_json(self) -> bool:
        return self.file is not None and self.file.suffix.lower() in JSON_ENDINGS

    @property
    def ids(self) -> list[UUID]:
        """The keys that were made, whether or not that was committed."""
        return list(self._texts)

    def take(self, key: ApiKey, text: str) -> None:
        """Keep a key; in its file before this returns, so that its transaction may commit."""
        if self._dry_run:
            return
        self._texts[key.id] = (key, text)
        if self._stream is not None:
            self._stream.write(self._line(key.id))
            self._stream.flush()
            os.fsync(self._stream.fileno())

    def shown(self, key: IssuedKey) -> IssuedKey:
        """The answer of the command: with the plain text, if this run made the key, and it has not gone to the file."""
        known = self._texts.get(key.id)
        if known is None:
            return key
        return replace(key, key=None if self.file is not None else known[1], secret_shown=True)

    def settle(self, existing: set[UUID]) -> None:
        """Leave in the file what was committed, and no file where nothing was."""
        if self._stream is None or self.file is None:
            return
        self._stream.close()
        if not existing:
            self.file.unlink(missing_ok=True)
        elif len(existing) < len(self._texts):
            with whole_file(self.file) as stream:
                stream.write("" if self._as_json else _csv_line(FIELDS))
                stream.writelines(self._line(key_id) for key_id in self._texts if key_id in existing)

    def _line(self, key_id: UUID) -> str:
        key, text = self._texts[key_id]
        values = (str(key_id), key.display_start, key.user, key.name, text)
        if self._as_json:
            return json.dumps(dict(zip(FIELDS, values, strict=True))) + "\n"
        return _csv_line(values)


def _csv_line(values: Sequence[str | None]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


@contextmanager
def _handing_over(ctx: "Context", secrets_to: str | None) -> Iterator[_Given]:
    given = _Given(None if secrets_to is None else Path(secrets_to), dry_run=ctx.shared.dry_run)
    try:
        yield given
    finally:
        _settle(ctx, given)


def _settle(ctx: "Context", given: _Given) -> None:
    if given.file is None:
        return
    if ctx.shared.dry_run:
        ctx.note(f"dry run: would write the plain texts to {given.file}")
        return
    existing: set[UUID] = set()
    if given.ids:
        try:
            existing = ctx.platform.reader.read(lambda services: services.keys.existing(given.ids))
        except AgentadmError:
            ctx.say(f"{given.file} may hold keys that were not made after all: those open nothing")
            return
    given.settle(existing)


def _new_file(path: Path) -> Any:
    """A new file that nobody else may read.

    Raises:
        UsageError: there is one, or it cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists already", "keys never overwrite a file: give another name") from None
    except OSError as error:
        raise UsageError(f"--secrets-to {str(path)!r} cannot be written: {error.strerror}") from error
    return os.fdopen(descriptor, "w", encoding="utf-8")


# -------------------------------------------------------------------------------------------------------------- verify


def verified(ctx: "Context", source: str, asked: Asked, *, agent: str | None, at: str | None) -> tuple[Verdict, ...]:
    """Verify the keys of a file or of standard input, and store those under the newest pepper that are under another.

    Raises:
        UsageError: there is none.
    """
    ctx.refuse_idempotency_key("a key may be revoked between one call and the next")
    texts = _keys(ctx, source)
    ctx.check_expected(len(texts))
    found = ctx.platform.verify_keys(texts, asked, agent=agent, at=at)
    if found.rehashes:
        _rehash(ctx, found.rehashes)
    if missing := dict.fromkeys(rule for verdict in found.verdicts for rule in verdict.not_looked_at):
        ctx.note(f"not looked at: {', '.join(missing)}; {VERIFY_HINT}")
    if not all(verdict.valid for verdict in found.verdicts):
        ctx.invocation.code = int(ExitCode.DIFFERS)
    return found.verdicts


def _rehash(ctx: "Context", rehashes: Sequence[Rehash]) -> None:
    try:
        ctx.write(lambda services: services.keys.rehash(rehashes))
    except (MissingPrivilege, TryAgain) as error:
        # The keys were verified; whoever comes next may store them.
        ctx.note(f"not stored under the newest pepper: {error.message}")


def _keys(ctx: "Context", source: str) -> list[str]:
    if source == FROM_STDIN:
        ctx.invocation.stdin_taken = True
        lines = _lines(ctx.invocation.stdin)
    else:
        try:
            lines = Path(source).read_bytes().decode("utf-8", "replace").splitlines()
        except OSError as error:
            raise UsageError(
                f"{source!r} cannot be read: {error.strerror}", "give a file of keys, one a line"
            ) from error
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise UsageError("there is no key to verify", "one a line, for example: agentadm keys verify < FILE")
    return found


def _lines(stdin: Any) -> list[str]:
    """Lines of standard input, whatever bytes they are of: what is no text is no key."""
    raw = getattr(stdin, "buffer", None)
    text: str = stdin.read() if raw is None else raw.read().decode("utf-8", "replace")
    return text.splitlines()
