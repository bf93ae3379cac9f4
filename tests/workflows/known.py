"""Models and workflows for the tests that walk the registry: some of each state, with ids that are known."""

from tests.support import Database

TRIGGER = "01930000-0000-7000-8000-00000000a001"
SCHEDULE = "01930000-0000-7000-8000-00000000b001"
INSERT = """
INSERT INTO agentadm.ai_models (name, provider, model_id) VALUES ('Mini', 'openai', 'gpt-4o-mini');
INSERT INTO agentadm.workflows (team_id, name, status, is_active, nodes)
SELECT t.id, w.name, w.status, w.status = 'active', '[{"id": "a", "type": "http"}]'
FROM agentadm.teams t, (VALUES ('Nightly', 'active'), ('Dormant', 'paused'), ('Forgotten', 'draft')) w (name, status)
WHERE t.slug = 'engines';
UPDATE agentadm.workflows SET settings = '{"retries": 3}' WHERE name = 'Nightly';
UPDATE agentadm.workflows SET deleted_at = agentadm.now() WHERE name = 'Forgotten';
INSERT INTO agentadm.workflow_triggers (id, workflow_id, type) SELECT '{trigger}', id, 'webhook'
FROM agentadm.workflows WHERE name = 'Nightly';
INSERT INTO agentadm.workflow_schedules (id, workflow_id, cron) SELECT '{schedule}', id, '0 9 * * *'
FROM agentadm.workflows WHERE name = 'Nightly';
"""


def make_automation(database: Database) -> None:
    """The model Mini; of the team Engines the workflows Nightly, which is active, Dormant, and a deleted one."""
    database.execute(INSERT.replace("{trigger}", TRIGGER).replace("{schedule}", SCHEDULE))
