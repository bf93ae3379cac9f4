"""One dialect, and so one cache of compiled statements, for all engines of a worker: each command makes an engine."""

from typing import Any

from sqlalchemy import Engine, util
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

# The key of a compiled statement names its dialect, so that two dialects share nothing.
_dialects: dict[str, PGDialect_psycopg] = {}
_statements: Any = util.LRUCache(1000)


class SharedDialect(PGDialect_psycopg):
    """psycopg's, made once for each way to be configured."""

    supports_statement_cache = True

    def __new__(cls, **options: Any) -> Any:
        return _dialects.setdefault(repr(sorted(options.items())), super().__new__(cls))

    def __init__(self, **options: Any) -> None:
        if not self.__dict__:
            super().__init__(**options)  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_statements)


def share() -> None:
    """From now on, every engine for PostgreSQL is one of these."""
    registry.register("postgresql.psycopg", __name__, SharedDialect.__name__)
