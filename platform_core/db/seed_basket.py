"""Rows of several tables that go together: what a team has is drawn once, however many tables it is in."""

from random import Random

from platform_core.db.seed_people import stream
from platform_core.db.seed_users import Row


class Basket:
    """Gathers rows by table. Each table draws from a stream of its own, so that a new one changes no other."""

    def __init__(self) -> None:
        self._streams: dict[str, Random] = {}
        self._rows: dict[str, list[Row]] = {}

    def stream(self, name: str) -> Random:
        """The stream of that name, where it stands."""
        if name not in self._streams:
            self._streams[name] = stream(name)
        return self._streams[name]

    def add(self, table: str, row: Row) -> None:
        """Put a row in."""
        self._rows.setdefault(table, []).append(row)

    def take(self) -> dict[str, list[Row]]:
        """Everything that is in, by table; the basket is empty then."""
        rows, self._rows = self._rows, {}
        return rows
