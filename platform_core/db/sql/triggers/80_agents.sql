-- Agents, instances, workflows and runs: counts, states, versions, and what goes with what.

CREATE TRIGGER count_agents_inserted AFTER INSERT ON agentadm.agents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_agents();

CREATE TRIGGER count_agents_deleted AFTER DELETE ON agentadm.agents REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_agents();

CREATE TRIGGER count_agents_changed AFTER UPDATE ON agentadm.agents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_agents();

CREATE TRIGGER next_agent_version BEFORE UPDATE ON agentadm.agents FOR EACH ROW
    WHEN (NEW.spec_content IS DISTINCT FROM OLD.spec_content OR NEW.generated_code IS DISTINCT FROM OLD.generated_code)
    EXECUTE FUNCTION agentadm.next_agent_version();

CREATE TRIGGER keep_versions_inserted AFTER INSERT ON agentadm.agents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_agent_versions();

CREATE TRIGGER keep_versions_changed AFTER UPDATE ON agentadm.agents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_agent_versions();

CREATE TRIGGER make_own_instances AFTER INSERT ON agentadm.agents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.make_own_instances();

CREATE TRIGGER delete_with_agent AFTER UPDATE ON agentadm.agents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.delete_with_agent();

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.agents
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"draft": ["active", "archived"], "active": ["paused", "archived"], "paused": ["active", "archived"], "archived": ["active"]}',
        'agent'
    );

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.agent_instances
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"provisioning": ["running", "stopped", "error", "destroyed"], "running": ["suspended", "stopped", "error", "destroyed"], "suspended": ["running", "stopped", "error", "destroyed"], "stopped": ["running", "error", "destroyed"], "error": ["running", "stopped", "destroyed"]}',
        'instance'
    );

CREATE TRIGGER count_workflows_inserted AFTER INSERT ON agentadm.workflows REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_workflows();

CREATE TRIGGER count_workflows_deleted AFTER DELETE ON agentadm.workflows REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_workflows();

CREATE TRIGGER count_workflows_changed AFTER UPDATE ON agentadm.workflows
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_workflows();

CREATE TRIGGER next_workflow_version BEFORE UPDATE ON agentadm.workflows FOR EACH ROW
    WHEN (
        NEW.nodes IS DISTINCT FROM OLD.nodes OR NEW.connections IS DISTINCT FROM OLD.connections
        OR NEW.settings IS DISTINCT FROM OLD.settings
    )
    EXECUTE FUNCTION agentadm.next_workflow_version();

CREATE TRIGGER keep_versions_inserted AFTER INSERT ON agentadm.workflows REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_workflow_versions();

CREATE TRIGGER keep_versions_changed AFTER UPDATE ON agentadm.workflows
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_workflow_versions();

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.workflows
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"draft": ["active", "archived"], "active": ["paused", "archived"], "paused": ["active", "archived"], "archived": ["active"]}',
        'workflow'
    );

CREATE TRIGGER note_last_run AFTER INSERT ON agentadm.runs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.note_last_run();

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.runs
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"queued": ["running", "completed", "failed", "cancelled", "timed_out"], "running": ["completed", "failed", "cancelled", "timed_out"]}',
        'run'
    );

SELECT agentadm.equip_partition('agentadm.runs', 'agentadm.runs_default');
