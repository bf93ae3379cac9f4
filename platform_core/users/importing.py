"""Users as they are imported: who is meant by a record, what is a conflict, and what becomes of it."""

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from platform_core.importing.answers import InputFormat, OnConflict
from platform_core.importing.service import UNIQUE_VIOLATION, Importer, Part
from platform_core.importing.types import Counts, ImportRequest, InputFile
from platform_core.users import import_queries as queries
from platform_core.users.import_fields import FIELDS
from platform_core.users.types import SyncProvider


def importer_for(request: ImportRequest) -> Importer:
    """Who takes the users of a request."""
    if request.provider is None:
        return UserImport(request.on_conflict)
    from platform_core.users.syncing import UserSync

    return UserSync(SyncProvider(request.provider))


def users_file(
    path: Path, name: str, written: InputFormat, *, ignored: frozenset[str] = frozenset(), exact: bool = False
) -> InputFile:
    """A file of users.

    Args:
        path, name: where it is, and what the user calls it.
        written: how.
        ignored: fields to be left out.
        exact: take no guard off the cells of CSV.

    Raises:
        UsageError: it is empty, or names a field that there is not.
    """
    from platform_core.importing.csv_file import CsvFile
    from platform_core.importing.json_file import JsonLinesFile

    if written is InputFormat.CSV:
        return CsvFile(path, name, FIELDS, ignored=ignored, exact=exact)
    return JsonLinesFile(path, name, FIELDS, ignored=ignored)


# A user has one of these; the ids at Stripe only must be nobody else's.
SKIPPED_TWINS = frozenset({*queries.NAMES, "target"})


class UserImport:
    """Users of a file of ours.

    Args:
        on_conflict: what becomes of a record about somebody who is there.
    """

    fields = {field.name: field for field in FIELDS}  # noqa: RUF012 - the same for all

    def __init__(self, on_conflict: OnConflict) -> None:
        self._on_conflict = on_conflict
        # Most files hold new users only: whether they do is found out by inserting them.
        self._looks_first = on_conflict is OnConflict.UPDATE

    def rules(self, staged: tuple[str, ...]) -> list[str]:
        """See Importer."""
        if "suspended_reason" not in staged or self._on_conflict is OnConflict.UPDATE:
            return []
        status = "s.status" if "status" in staged else "NULL"
        told = "suspended_reason: only a suspended user has one"
        return [f"CASE WHEN s.suspended_reason IS NOT NULL AND {status} IS DISTINCT FROM 'suspended' THEN '{told}' END"]

    def put(self, part: Part) -> Counts:
        """See Importer."""
        if not self._looks_first:
            try:
                with part.connection.begin_nested():
                    return Counts(created=self._create(part))
            except IntegrityError as error:
                if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
                    raise
            self._looks_first = True
        return self._look_and_put(part)

    def finish(self, connection: Connection, file: InputFile) -> Counts:  # noqa: ARG002 - as an Importer has it
        """See Importer."""
        return Counts()

    def _look_and_put(self, part: Part) -> Counts:
        """Settle the conflicts first, then put the rest."""
        part.analyze()
        counts = Counts()
        if queries.match(part.connection, part.staged, part.values):
            counts += self._settle(part)
        if self._on_conflict is OnConflict.UPDATE and "suspended_reason" in part.staged:
            counts += Counts(rejected=part.reject_found(queries.unsuspended(part.staged), {}))
        counts += self._settle_twins(part)
        created = self._create(part)
        if self._on_conflict is not OnConflict.UPDATE:
            return counts + Counts(created=created)
        fields = [self.fields[name] for name in part.staged]
        updated = queries.update(part.connection, fields, part.values)
        known = queries.count_targets(part.connection, part.values)
        return counts + Counts(created=created, updated=updated, unchanged=known - updated)

    def _create(self, part: Part) -> int:
        return queries.create(part.connection, [self.fields[name] for name in part.staged], part.values)

    def _settle(self, part: Part) -> Counts:
        """Records about somebody who is there: rejected, skipped, or with their user beside them."""
        if self._on_conflict is OnConflict.UPDATE:
            rejected = part.reject_found(queries.wrong_targets(part.staged), {})
            queries.set_targets(part.connection, part.values)
            return Counts(rejected=rejected, conflicts=rejected)
        skipped = 0
        if self._on_conflict is OnConflict.SKIP:
            skipped = part.unstage(queries.lines_of_known(part.connection))
            queries.forget_unstaged(part.connection)
        rejected = part.reject_found(queries.TAKEN, {})
        return Counts(skipped=skipped, rejected=rejected, conflicts=rejected)

    def _settle_twins(self, part: Part) -> Counts:
        """Of several records about the same user the first stays."""
        found = part.twins({**queries.keys(part.staged), "target": "s.target"})
        skips = self._on_conflict is OnConflict.SKIP
        skipped = {line for line, (what, _) in found.items() if skips and what in SKIPPED_TWINS}
        part.unstage(sorted(skipped))
        reasons = {line: told_twin(*same, part.unit) for line, same in found.items() if line not in skipped}
        rejected = part.reject_lines(reasons)
        return Counts(skipped=len(skipped), rejected=rejected, conflicts=rejected)


def told_twin(what: str, line: int, unit: str) -> str:
    """Why a record goes behind an earlier one."""
    return f"the same {'user' if what == 'target' else what} as {unit} {line}"
