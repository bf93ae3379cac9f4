-- Teams: their count of members, and their owners. Users: who becomes an administrator.

CREATE TRIGGER count_members_inserted AFTER INSERT ON agentadm.team_members REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_members();

CREATE TRIGGER count_members_deleted AFTER DELETE ON agentadm.team_members REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_members();

CREATE TRIGGER count_members_moved AFTER UPDATE ON agentadm.team_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_members();

CREATE TRIGGER refuse_deleted_owner AFTER INSERT OR UPDATE OF owner_id, personal_of, deleted_at ON agentadm.teams
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL AND NEW.personal_of IS NULL)
    EXECUTE FUNCTION agentadm.refuse_deleted_owner();

CREATE TRIGGER refuse_teams_without_owner BEFORE UPDATE OF deleted_at ON agentadm.users
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION agentadm.refuse_teams_without_owner();

CREATE TRIGGER refuse_promotion AFTER INSERT OR UPDATE OF role ON agentadm.users
    FOR EACH ROW WHEN (NEW.role = 'admin') EXECUTE FUNCTION agentadm.refuse_promotion();
