"""The rules of models; one method a command."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.models import queries
from platform_core.models.types import Model, ModelSummary, NewModel
from platform_core.near import near_hint
from platform_core.refs import checked_name, exactly_one
from platform_core.services import Service

FIND_HINT = "a model is named by its name, its id, or the last 8 digits or more of its id"
PROVIDER = re.compile(r"[a-z][a-z0-9_]*")
KEY_LENGTH = 4096
# Names under which platforms keep secrets, without the marks between their words.
SECRET_NAMES = frozenset(
    {"apikey", "accesskey", "secretkey", "privatekey", "accesstoken", "authtoken", "bearertoken", "token",
     "clientsecret", "secret", "password", "authorization"}
)  # fmt: skip


class ModelService(Service):
    """Models that agents and conversations may use. The key of one at its provider goes in, and never out."""

    def list(
        self, request: ListRequest, *, provider: str | None = None, active: bool | None = None
    ) -> Rows[ModelSummary]:
        """Models, by name.

        Args:
            request: conditions, order and limit.
            provider: keep only this provider's.
            active: keep only those that can be chosen, or only those that cannot.

        Raises:
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(provider=provider, active=active)
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str) -> Model:
        """One model whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference)
        exactly_one("model", reference, [(row.id, row.name) for row in rows], self._hint(reference, rows))
        return _model(rows[0])

    def create(self, new: NewModel) -> Model:
        """Make a model.

        Raises:
            Conflict: the name is taken.
            UsageError: the name, provider, provider's id, configuration or key is none; there is no encryption key.
        """
        given = {"name": new.name, "provider": new.provider, "model_id": new.model_id, "config": new.config}
        values = _checked({**given, "api_key": new.api_key})
        self._refuse_taken(new.name)
        stored = {name: value for name, value in values.items() if value is not None}
        if new.api_key is not None:
            stored["api_key"] = self._services.key_ring.encrypt(new.api_key)
        return self._model(queries.create(self._connection, {**stored, "is_active": new.is_active}))

    def update(self, reference: str, values: Mapping[str, Any]) -> Model:
        """Set columns of a model; None takes the key away. A key that was replaced is kept nowhere.

        Raises:
            NotFound, Conflict: the reference names none, or several; the name is taken.
            UsageError: a value is none; there is no encryption key.
        """
        wanted = _checked(values)
        row = self._lock(reference)
        if (name := wanted.get("name")) is not None:
            self._refuse_taken(name, but=row.id)
        changed = {name: value for name, value in wanted.items() if name != "api_key" and getattr(row, name) != value}
        if "api_key" in wanted and not self._services.key_ring.holds(row.api_key, key := wanted["api_key"]):
            changed["api_key"] = None if key is None else self._services.key_ring.encrypt(key)
        if changed:
            queries.change(self._connection, row.id, changed)
        return self._model(row.id)

    def delete(self, reference: str) -> Model:
        """Delete a model, and its key with it.

        Raises:
            NotFound, Conflict: the reference names none, or several; something uses it.
        """
        row = self._lock(reference)
        model = self._model(row.id)
        queries.remove(self._connection, row.id)
        return model

    def find(self, reference: str) -> UUID:
        """The key of the model that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        found = queries.find(self._connection, reference)
        return exactly_one("model", reference, found, self._hint(reference, found))

    def _lock(self, reference: str) -> AnyRow:
        row = queries.lock(self._connection, self.find(reference))
        if row is None:
            raise NotFound(f"model {reference!r} was just deleted", "agentadm models list shows what there is")
        return row

    def _refuse_taken(self, name: str, *, but: UUID | None = None) -> None:
        holder = queries.holder_of_name(self._connection, name)
        if holder not in {None, but}:
            raise Conflict(f"the name {name!r} is taken by model {holder}", "choose another")

    def _model(self, model_id: UUID) -> Model:
        return _model(queries.load_by_id(self._connection, model_id))

    def _hint(self, reference: str, found: object) -> str:
        """What to name instead: which may have been meant, where there is none."""
        around = {} if found else queries.near(self._connection, reference)
        return near_hint(reference.lower(), around, FIND_HINT)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a model, the key not yet encrypted.

    Raises:
        UsageError: one of them is none. What a key is, is not told.
    """
    checked_name(values.get("name"))
    checked_name(values.get("model_id"))
    if (provider := values.get("provider")) is not None and not PROVIDER.fullmatch(provider):
        raise UsageError(f"{provider!r} is no provider", "lower case letters, digits and _: gemini, openai, custom")
    for place in _secret_places(values.get("config") or {}, "config"):
        raise UsageError(f"{place} is where a secret would stand, and the configuration is no secret",
                         "leave it out, and give the key with --api-key-stdin")  # fmt: skip
    if (key := values.get("api_key")) is not None and not (
        0 < len(key) <= KEY_LENGTH and key.isascii() and key.isprintable() and " " not in key
    ):
        raise UsageError(
            "what was given for a key is none", f"one line of up to {KEY_LENGTH:,} letters, digits and marks"
        )
    return dict(values)


def _secret_places(value: Any, place: str) -> Iterator[str]:
    """Where in a configuration there is something of a name that secrets have."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from _secret_places(part, f"{place}[{number}]")
    elif isinstance(value, dict):
        for name, part in value.items():
            if "".join(filter(str.isalnum, name)).lower() in SECRET_NAMES and part is not None:
                yield f"{place}.{name}"
            yield from _secret_places(part, f"{place}.{name}")


def _summary(row: AnyRow) -> ModelSummary:
    return ModelSummary(row.name, row.provider, row.model_id, row.is_active, row.created_at, row.id)


def _model(row: AnyRow) -> Model:
    return Model(**row._mapping)
