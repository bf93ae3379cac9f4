"""The database: engine, embedded server, schema, write path, leases, migrations, care."""
