"""The revision of the schema that this code is written for; a test holds it against the newest migration."""

SCHEMA_VERSION = "0004"
