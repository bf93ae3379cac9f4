-- Row-level security. The owner passes; operators see what their privileges allow; a tenant sees its own.

CREATE POLICY operators ON agentadm.users USING ((SELECT agentadm.is_operator()));
CREATE POLICY own_row ON agentadm.users USING (id = (SELECT agentadm.current_user_id()));
CREATE POLICY operators ON agentadm.identities USING ((SELECT agentadm.is_operator()));
CREATE POLICY own_rows ON agentadm.identities FOR SELECT USING (user_id = (SELECT agentadm.current_user_id()));
CREATE POLICY operators ON agentadm.installation USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.operations USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.operation_continuations USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.idempotency_keys USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.chunk_progress USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.provider_intents USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.audit_changes USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.audit_seals USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.job_runs USING ((SELECT agentadm.is_operator()));
