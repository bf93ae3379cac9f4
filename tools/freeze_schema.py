"""Print the declared schema as SQL, to begin a migration with. A migration, once landed, never changes."""

from platform_core.db.schema import declared_statements

# db init has made the schema, and Alembic its own table, by then.
MADE_BEFORE = ("CREATE SCHEMA ", "COMMENT ON SCHEMA ", "CREATE TABLE agentadm.alembic_version ")


def main() -> None:
    for statement in declared_statements():
        if not statement.startswith(MADE_BEFORE):
            print(statement.rstrip(";") + ";\n")


if __name__ == "__main__":
    main()
