-- Plans, keys, agents, instances, runs, models and workflows as their people see them. Tenants never write plans, money or
-- hashes. A key is its user's; admins of a team see those that work for it.

CREATE POLICY operators ON agentadm.plans USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.plans FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY everybody_reads ON agentadm.plans FOR SELECT
    USING (is_active AND (SELECT agentadm.current_user_id()) IS NOT NULL);
CREATE POLICY own_plan ON agentadm.plans FOR SELECT USING (EXISTS (
    -- The subscriptions asked are those that their own policies show.
    SELECT FROM agentadm.subscriptions s WHERE s.plan_id = plans.id
));

CREATE POLICY operators ON agentadm.limit_overrides USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.limit_overrides FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.limit_overrides FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
);

CREATE POLICY operators ON agentadm.subscriptions USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.subscriptions FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.subscriptions FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner}'))::uuid[])
);

CREATE POLICY operators ON agentadm.key_material USING ((SELECT agentadm.is_operator()));

CREATE POLICY operators ON agentadm.api_keys USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.api_keys FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.api_keys FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[])
);

CREATE POLICY operators ON agentadm.agents USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agents FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY everybody_reads_the_catalogue ON agentadm.agents FOR SELECT USING (
    agent_type = 'catalog' AND status = 'active' AND deleted_at IS NULL
    AND (SELECT agentadm.current_user_id()) IS NOT NULL
);
CREATE POLICY members_read ON agentadm.agents FOR SELECT
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
-- What everybody may use, the platform offers.
CREATE POLICY members_write ON agentadm.agents
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[]))
    WITH CHECK (
        team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[]) AND agent_type <> 'catalog'
    );

-- What belongs to an agent is read by its team, and written by its members.
CREATE POLICY operators ON agentadm.agent_versions USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_versions FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.agent_versions FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.agents a
    WHERE a.id = agent_id AND a.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

CREATE POLICY operators ON agentadm.agent_skills USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_skills FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.agent_skills FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.agents a
    WHERE a.id = agent_id AND a.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));
CREATE POLICY members_write ON agentadm.agent_skills USING (EXISTS (
    SELECT FROM agentadm.agents a
    WHERE a.id = agent_id AND a.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
));

CREATE POLICY operators ON agentadm.agent_plans USING ((SELECT agentadm.is_operator()));
-- Who sees the agent sees its prices.
CREATE POLICY readers_of_the_agent ON agentadm.agent_plans FOR SELECT
    USING (EXISTS (SELECT FROM agentadm.agents a WHERE a.id = agent_id));

CREATE POLICY operators ON agentadm.agent_configurations USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_configurations FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.agent_configurations USING (user_id = (SELECT agentadm.current_user_id()))
    -- A foreign key looks past the policies: settings are of agents that the tenant may see.
    WITH CHECK (
        user_id = (SELECT agentadm.current_user_id())
        AND EXISTS (SELECT FROM agentadm.agents a WHERE a.id = agent_id)
    );

CREATE POLICY operators ON agentadm.agent_instances USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_instances FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.agent_instances FOR SELECT USING (user_id = (SELECT agentadm.current_user_id()));

CREATE POLICY operators ON agentadm.ssh_configs USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.ssh_configs FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.ssh_configs FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.agent_instances i WHERE i.id = instance_id AND i.user_id = (SELECT agentadm.current_user_id())
));

CREATE POLICY operators ON agentadm.crew_instances USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.crew_instances FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY readers_of_the_crew ON agentadm.crew_instances FOR SELECT
    USING (EXISTS (SELECT FROM agentadm.crews c WHERE c.id = crew_id));
CREATE POLICY owners_and_members_write ON agentadm.crew_instances
    USING (EXISTS (
        SELECT FROM agentadm.crews c JOIN agentadm.projects p ON p.id = c.project_id
        WHERE c.id = crew_id AND (
            p.owner_user_id = (SELECT agentadm.current_user_id())
            OR p.owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
        )
    ))
    -- A foreign key looks past the policies: only what the tenant may see joins a crew.
    WITH CHECK (
        EXISTS (SELECT FROM agentadm.agent_instances i WHERE i.id = instance_id)
        AND EXISTS (
            SELECT FROM agentadm.crews c JOIN agentadm.projects p ON p.id = c.project_id
            WHERE c.id = crew_id AND (
                p.owner_user_id = (SELECT agentadm.current_user_id())
                OR p.owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
            )
        )
    );

CREATE POLICY operators ON agentadm.runs USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.runs FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_and_team_rows ON agentadm.runs FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
);

CREATE POLICY operators ON agentadm.error_logs USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.error_logs FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.error_logs FOR SELECT USING (user_id = (SELECT agentadm.current_user_id()));

CREATE POLICY operators ON agentadm.ai_models USING ((SELECT agentadm.is_operator()));
CREATE POLICY everybody_reads ON agentadm.ai_models FOR SELECT
    USING (is_active AND (SELECT agentadm.current_user_id()) IS NOT NULL);

CREATE POLICY operators ON agentadm.workflows USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflows FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY everybody_reads_public ON agentadm.workflows FOR SELECT USING (
    is_public AND status = 'active' AND deleted_at IS NULL AND (SELECT agentadm.current_user_id()) IS NOT NULL
);
CREATE POLICY members_read ON agentadm.workflows FOR SELECT
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
CREATE POLICY members_write ON agentadm.workflows
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[]));

CREATE POLICY operators ON agentadm.workflow_versions USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflow_versions FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.workflow_versions FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.workflows w
    WHERE w.id = workflow_id AND w.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

CREATE POLICY operators ON agentadm.workflow_triggers USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflow_triggers FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.workflow_triggers FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.workflows w
    WHERE w.id = workflow_id AND w.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

CREATE POLICY operators ON agentadm.workflow_schedules USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflow_schedules FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.workflow_schedules FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.workflows w
    WHERE w.id = workflow_id AND w.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));
