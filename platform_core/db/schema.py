"""What every table is made of, and the schema as the code declares it.

A table states in its `info` what the database is to do with it: see `care`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Row, Table, Uuid, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, SetColumnComment, SetTableComment

from platform_core.db.people import PersonLink

# A row of whatever columns; which ones, its statement says.
AnyRow = Row[*tuple[Any, ...]]

SCHEMA = "agentadm"
# By this comment on the schema an init that was cut short is known, and not taken for a schema of somebody else's.
MARK_COMMENT = "agentadm"
NOUNS_WITH_TABLES = (
    "agents",
    "audit",
    "crews",
    "importing",
    "instances",
    "jobs",
    "key_material",
    "keys",
    "limits",
    "models",
    "operations",
    "plans",
    "projects",
    "runs",
    "subscriptions",
    "teams",
    "users",
    "workflows",
)

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)


@dataclass(frozen=True)
class Care:
    """What the database does for a table beyond its columns.

    Attributes:
        unaudited: why the audit triggers are left off, or None for an audited table.
        secrets: columns of which the audit keeps only a fingerprint.
        masked: columns that the audit keeps and shows only with --reveal: phone numbers, contents.
        ignored: columns whose changes are not audited (last use and the like).
        append_only: whether rows, once there, may only be changed by the owner.
        people: the columns that name a person; every foreign key to users is among them.
        texts: columns in which anybody may have written about anybody.
        encrypted: columns of text that hold what KeyRing.encrypt made; secrets for the audit, too.
    """

    unaudited: str | None = None
    secrets: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    append_only: bool = False
    people: tuple[PersonLink, ...] = ()
    texts: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()


def care(
    *,
    unaudited: str | None = None,
    secrets: tuple[str, ...] = (),
    masked: tuple[str, ...] = (),
    ignored: tuple[str, ...] = (),
    append_only: bool = False,
    people: tuple[PersonLink, ...] = (),
    texts: tuple[str, ...] = (),
    encrypted: tuple[str, ...] = (),
) -> dict[str, Care]:
    """The `info` of a table; see `Care`."""
    hidden = secrets + encrypted
    return {"care": Care(unaudited, hidden, masked, ignored, append_only, people, texts, encrypted)}


def care_of(table: Table) -> Care:
    """What a table asked for.

    Raises:
        KeyError: the table does not say; each table must.
    """
    found: Care = table.info["care"]
    return found


def masked_columns() -> dict[str, tuple[str, ...]]:
    """By table, the columns that are shown only with --reveal."""
    return {table.name: care_of(table).masked for table in load_tables().tables.values()}


def encrypted_columns() -> list[tuple[Table, str]]:
    """Every column that holds encrypted text."""
    return [(table, name) for table in load_tables().sorted_tables for name in care_of(table).encrypted]


def encrypted_check(table: str, column: str) -> CheckConstraint:
    """That a column holds the version of a key and a token of it, so that clear text is refused."""
    return CheckConstraint(f"{column} ~ '^[1-9][0-9]*[:]gAAAA'", name=f"{table}_{column}_check")


def name_check(table: str, column: str = "name", longest: int = 200) -> CheckConstraint:
    """That a name has a character, not too many, and no control characters."""
    rule = f"{column} !~ '[[:cntrl:]]' AND char_length({column}) BETWEEN 1 AND {longest}"
    return CheckConstraint(rule, name=f"{table}_{column}_check")


def words_check(table: str, column: str, words: Iterable[str]) -> CheckConstraint:
    """That a column holds one of some words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}_check")


def at_least(table: str, column: str, least: int = 0) -> CheckConstraint:
    """That a number is not below another."""
    return CheckConstraint(f"{column} >= {least}", name=f"{table}_{column}_check")


def some_time(comment: str) -> Column[datetime | None]:
    """A moment in UTC, or NULL."""
    return Column(DateTime(timezone=True), nullable=True, comment=comment)


def tables_of_people() -> list[tuple[Table, tuple[PersonLink, ...]]]:
    """Every table with columns that name a person, and those, in an order in which rows can be moved or deleted."""
    return [(table, care_of(table).people) for table in load_tables().sorted_tables if care_of(table).people]


def person_links() -> list[tuple[Table, PersonLink]]:
    """Every column that names a person, in the same order."""
    return [(table, link) for table, links in tables_of_people() for link in links]


def key_column() -> Column[UUID]:
    """An immutable surrogate key: UUID v7, made by the database."""
    return Column(
        Uuid(),
        primary_key=True,
        server_default=text("agentadm.uuid_v7()"),
        comment="Surrogate key, never changed",
    )


def created_column() -> Column[datetime]:
    """When the row was made; kept by the database."""
    return time_column("When the row was made", default=True)


def updated_column() -> Column[datetime]:
    """When the row last changed; kept by the database."""
    return time_column("When the row last changed", default=True)


def time_column(comment: str, *, default: bool = False) -> Column[datetime]:
    """A moment in UTC, not NULL.

    Args:
        comment: what happened then.
        default: whether the database fills in its own time.
    """
    return Column(
        DateTime(timezone=True),
        nullable=False,
        server_default=text("agentadm.now()") if default else None,
        comment=comment,
    )


def load_tables() -> MetaData:
    """The metadata with the tables of every noun in it."""
    for noun in NOUNS_WITH_TABLES:
        import_module(f"platform_core.{noun}.tables")
    import_module("platform_core.db.tables")
    return metadata


def declared_statements() -> Iterator[str]:
    """The whole schema as SQL, in the order in which it can be run, for an empty database.

    The migrations must arrive at exactly this; a test compares the two.
    """
    tables = load_tables().sorted_tables
    yield f"CREATE SCHEMA {SCHEMA}"
    yield f"COMMENT ON SCHEMA {SCHEMA} IS '{MARK_COMMENT}'"
    yield "SET LOCAL check_function_bodies = off"
    yield "CREATE SEQUENCE agentadm.audit_seq"
    yield (
        "CREATE TABLE agentadm.alembic_version "
        "(version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
    )
    yield from _sql_files("functions")
    for table in tables:
        yield from _table_statements(table)
    for table in tables:
        yield from _circular_statements(table)
    for table in tables:
        yield from _care_statements(table)
    yield from _sql_files("triggers")
    yield from _declared_lists()
    yield from _sql_files("views")
    yield from _sql_files("policies")
    yield "SELECT agentadm.ensure_partitions(3)"
    yield "SELECT agentadm.make_roles()"
    yield "SELECT agentadm.grant_privileges()"


def declared_triggers() -> dict[str, list[tuple[str, str]]]:
    """By table, the triggers of its own, beside those that each table has: their names and functions."""
    form = r"^CREATE TRIGGER (\w+)[^;]*? ON agentadm\.(\w+)[^;]*? EXECUTE FUNCTION agentadm\.(\w+)"
    found: dict[str, list[tuple[str, str]]] = {}
    for sql in _sql_files("triggers"):
        for name, table, function in re.findall(form, sql, re.MULTILINE):
            found.setdefault(table, []).append((name, function))
    return found


def _sql_files(folder: str) -> Iterator[str]:
    for file in sorted((files("platform_core.db") / "sql" / folder).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".sql"):
            yield file.read_text(encoding="utf-8").strip()


def _table_statements(table: Table) -> Iterator[str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
    yield str(CreateTable(table).compile(dialect=dialect)).strip()
    if partitioned_by(table):
        yield f"CREATE TABLE {SCHEMA}.{table.name}_default PARTITION OF {table.fullname} DEFAULT"
    for index in sorted(table.indexes, key=lambda i: str(i.name)):
        yield str(CreateIndex(index).compile(dialect=dialect)).strip()
    yield str(SetTableComment(table).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    for column in table.columns:
        yield str(SetColumnComment(column).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _circular_statements(table: Table) -> Iterator[str]:
    """Foreign keys to a table that itself names this one: added when both are there."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
    for constraint in table.foreign_key_constraints:
        if constraint.use_alter:
            yield str(AddConstraint(constraint).compile(dialect=dialect)).strip()


def partitioned_by(table: Table) -> str | None:
    """The partitioning clause of a table, or None."""
    clause: str | None = table.dialect_options["postgresql"]["partition_by"]
    return clause


def _care_statements(table: Table) -> Iterator[str]:
    wanted = care_of(table)
    if wanted.unaudited is None:
        yield (
            f"SELECT agentadm.watch('{table.fullname}', {_text_array(wanted.secrets)}, {_text_array(wanted.ignored)})"
        )
    if wanted.append_only:
        yield f"SELECT agentadm.seal_off('{table.fullname}')"
    if "updated_at" in table.columns:
        yield from _touch_triggers(table, wanted.ignored)
    if partitioned_by(table):
        yield f"SELECT agentadm.equip_partition('{table.fullname}', '{table.fullname}_default')"
    yield f"ALTER TABLE {table.fullname} ENABLE ROW LEVEL SECURITY"


def _declared_lists() -> Iterator[str]:
    """Functions that answer with what the tables say in `care`: of people, texts, and what is encrypted.

    Of people there is one row for each personal column, or one without.
    """
    people = [
        (table.name, link.column, *(link.via or (None, None)), str(link.on_erase), link.erase_unless, name, left,
         name in link.names)
        for table, link in person_links()
        for name, left in _personal(link)
    ]  # fmt: skip
    yield _listing(
        "person_columns",
        "table_name text, link_column text, via_table text, via_column text, on_erase text, erase_unless text, "
        "column_name text, left_behind text, names_person boolean",
        people,
    )
    texts = [(table.name, column) for table in load_tables().sorted_tables for column in care_of(table).texts]
    yield _listing("free_texts", "table_name text, column_name text", texts)
    values = "\n    UNION ALL\n    ".join(
        f"SELECT pg_catalog.split_part({column}, ':', 1) FROM {table.fullname} WHERE {column} IS NOT NULL"  # noqa: S608
        for table, column in encrypted_columns()
    )
    # Whoever may not read what is encrypted may know with which version it is.
    yield (
        "CREATE OR REPLACE FUNCTION agentadm.encrypted_values() RETURNS TABLE (version text, number bigint)\n"
        "    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$\n"
        f"SELECT v.version, count(*) FROM (\n    {values}\n) v (version) GROUP BY v.version\n$$"
    )


def _listing(name: str, columns: str, rows: Sequence[tuple[str | bool | None, ...]]) -> str:
    values = ",\n    ".join(f"({', '.join(_literal(value) for value in row)})" for row in rows)
    return (
        f"CREATE OR REPLACE FUNCTION agentadm.{name}() RETURNS TABLE ({columns})\n"
        f"    LANGUAGE sql IMMUTABLE AS $$\nVALUES\n    {values}\n$$"
    )


def _personal(link: PersonLink) -> Iterable[tuple[str | None, str | None]]:
    return link.personal.items() or [(None, None)]


def _literal(value: str | bool | None) -> str:
    if value is None:
        return "NULL::pg_catalog.text"
    return str(value).lower() if isinstance(value, bool) else "'" + value.replace("'", "''") + "'::pg_catalog.text"


def _touch_triggers(table: Table, ignored: tuple[str, ...]) -> Iterator[str]:
    """Triggers that keep updated_at: one compares all other columns, and runs only where an ignored one changed."""
    told = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in ignored)
    made = f"BEFORE UPDATE ON {table.fullname} FOR EACH ROW"
    function = "EXECUTE FUNCTION agentadm.touch_updated_at"
    if not ignored:
        yield f"CREATE TRIGGER touch_updated_at {made} {function}()"
        return
    yield f"CREATE TRIGGER touch_updated_at {made} WHEN (NOT ({told})) {function}()"
    yield f"CREATE TRIGGER touch_updated_at_beside {made} WHEN ({told}) {function}({_text_array(ignored)})"


def _text_array(names: tuple[str, ...]) -> str:
    return "'{" + ",".join(names) + "}'"
