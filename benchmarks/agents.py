"""Lists of 200,000 agents with their teams: all to a file, against psql's \\copy, and a deep page against the first."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks.lists import export, export_in_process, pages
from benchmarks.measure import Ratio, seeded_server
from platform_core.agents.types import AgentSummary

AGENTS = 200_000
COLUMNS = ", ".join(
    "t.slug AS team" if name == "team" else f"a.{name}" for name in (field.name for field in fields(AgentSummary))
)
FLOOR = (
    f"SELECT {COLUMNS} FROM agentadm.agents a JOIN agentadm.teams t ON t.id = a.team_id"
    " WHERE a.deleted_at IS NULL ORDER BY a.created_at DESC, a.id DESC"
)
# Spread over the teams that there are, and over a year.
FILL = """
    INSERT INTO agentadm.agents (team_id, name, slug, handle, status, created_at)
    SELECT t.ids[1 + n %% cardinality(t.ids)], 'Agent ' || n, 'bench-' || n,
        CASE WHEN n %% 3 = 0 THEN 'bench_' || n END, (ARRAY['draft', 'active', 'paused'])[1 + n %% 3],
        timestamptz '2026-01-01' + n * interval '2 minutes 37 seconds'
    FROM generate_series(1, %s) n,
        (SELECT array_agg(id) AS ids FROM agentadm.teams WHERE deleted_at IS NULL AND personal_of IS NULL) t
"""


def ratios() -> Iterator[Ratio]:
    with seeded_server() as environ, TemporaryDirectory() as folder:
        with psycopg.connect(environ["FLOOR_CONNINFO"], autocommit=True) as connection:
            connection.execute(FILL, [AGENTS])
            connection.execute("VACUUM ANALYZE agentadm.agents")
        ratio, _ = export(environ, Path(folder), "agents", FLOOR, ("csv", "--exact"), 1.3, f"{AGENTS:,}")
        yield ratio
        yield export_in_process(environ, Path(folder), "agents", FLOOR, 1.3, f"{AGENTS:,}")
        yield pages(environ, "agents", lambda services, request: services.agents.list(request))
