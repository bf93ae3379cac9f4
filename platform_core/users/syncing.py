"""Users as a provider knows them: the identity decides who is meant, else an address that was verified there."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from platform_core.importing.lines import copy_cell
from platform_core.importing.service import Part
from platform_core.importing.types import Counts, InputFile
from platform_core.users import import_queries, sync_queries
from platform_core.users.import_fields import SYNC_FIELDS
from platform_core.users.importing import told_twin
from platform_core.users.sync_file import SyncFile
from platform_core.users.sync_formats import FORMATS
from platform_core.users.types import SyncProvider


class UserSync:
    """Users of a provider's export.

    Args:
        provider: whose.
    """

    fields = {field.name: field for field in SYNC_FIELDS}  # noqa: RUF012 - the same for all

    def __init__(self, provider: SyncProvider) -> None:
        self._provider = provider
        self._label = FORMATS[provider].label

    def rules(self, staged: tuple[str, ...]) -> list[str]:  # noqa: ARG002 - as an Importer has it
        """See Importer."""
        return ["CASE WHEN s.subject IS NULL AND s.problem IS NULL THEN 'has no id' END"]

    def put(self, part: Part) -> Counts:
        """See Importer."""
        connection, values = part.connection, {**part.values, **self._values}
        part.analyze()
        sync_queries.find(connection, values)
        rejected = part.reject_found(sync_queries.WRONG, values)
        sync_queries.set_targets(connection)
        twins = part.twins(sync_queries.KEYS)
        rejected += part.reject_lines({line: told_twin(*same, part.unit) for line, same in twins.items()})
        fields = [field for field in SYNC_FIELDS if field.name not in {"subject", *sync_queries.CREATED}]
        created = import_queries.create(connection, fields, values, sync_queries.CREATED)
        known = import_queries.count_targets(connection, values)
        linked = sync_queries.count_new_identities(connection, values)
        changed = sync_queries.UPDATED
        updated = import_queries.put_changes(connection, changed, values, f"AND {sync_queries.HAS_IDENTITY}")
        import_queries.put_changes(connection, changed, values)
        sync_queries.link(connection, values)
        unchanged = known - linked - updated
        return Counts(
            created=created, linked=linked, updated=updated, unchanged=unchanged, rejected=rejected, conflicts=rejected
        )

    def finish(self, connection: Connection, file: InputFile) -> Counts:
        """See Importer: who has an identity that the export does not hold."""
        return Counts(missing=sync_queries.count_missing(connection, self._provider, _subjects(file)))

    @property
    def _values(self) -> dict[str, Any]:
        return {"provider": str(self._provider), "label": self._label, "reason": f"banned at {self._label}"}


def _subjects(file: InputFile) -> Iterator[bytes]:
    assert isinstance(file, SyncFile)  # noqa: S101 - for the type checker: a synchronisation reads nothing else
    for record in file.records():
        subject = (record.value or {}).get("subject")
        if isinstance(subject, str) and "\0" not in subject:
            yield f"{copy_cell(subject)}\n".encode()
