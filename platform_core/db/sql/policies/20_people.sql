-- Users, teams, projects and crews as their people see them: viewers read, members write, admins also members.

CREATE POLICY platform_admins ON agentadm.users FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY platform_admins ON agentadm.identities FOR SELECT USING ((SELECT agentadm.is_platform_admin()));

CREATE POLICY operators ON agentadm.teams USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.teams FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.teams FOR SELECT
    USING (id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
CREATE POLICY admins_write ON agentadm.teams FOR UPDATE
    USING (id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[]));

CREATE POLICY operators ON agentadm.team_members USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.team_members FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.team_members FOR SELECT
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
-- An owner is made and unmade by transfer only.
CREATE POLICY admins_add ON agentadm.team_members FOR INSERT
    WITH CHECK (
        role <> 'owner' AND (invited_by IS NULL OR invited_by = (SELECT agentadm.current_user_id()))
        AND team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[])
    );
CREATE POLICY admins_change ON agentadm.team_members FOR UPDATE
    USING (role <> 'owner' AND team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[]));
CREATE POLICY admins_remove ON agentadm.team_members FOR DELETE
    USING (role <> 'owner' AND team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[]));

CREATE POLICY operators ON agentadm.projects USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.projects FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.projects FOR SELECT
    USING (owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
CREATE POLICY owners_and_members_write ON agentadm.projects
    USING (
        owner_user_id = (SELECT agentadm.current_user_id())
        OR owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
    );

CREATE POLICY operators ON agentadm.crews USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.crews FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
-- The projects asked are those that their own policies show.
CREATE POLICY readers_of_the_project ON agentadm.crews FOR SELECT
    USING (EXISTS (SELECT FROM agentadm.projects p WHERE p.id = project_id));
CREATE POLICY owners_and_members_write ON agentadm.crews
    USING (EXISTS (
        SELECT FROM agentadm.projects p
        WHERE p.id = project_id AND (
            p.owner_user_id = (SELECT agentadm.current_user_id())
            OR p.owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
        )
    ));

CREATE POLICY operators ON agentadm.import_rejects USING ((SELECT agentadm.is_operator()));
