-- Teams: their count of members, their owners, and the personal team of a user.

-- The count is a row that everybody who adds a member has to change: so max_members holds, at whatever isolation.
CREATE FUNCTION agentadm.count_members() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE agentadm.teams t SET member_count = t.member_count + moved.members
        FROM (SELECT n.team_id, count(*) AS members FROM new_rows n GROUP BY 1) moved
        WHERE t.id = moved.team_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE agentadm.teams t SET member_count = t.member_count - moved.members
        FROM (SELECT o.team_id, count(*) AS members FROM old_rows o GROUP BY 1) moved
        WHERE t.id = moved.team_id;
    ELSIF EXISTS (SELECT FROM old_rows o JOIN new_rows n ON n.id = o.id WHERE n.team_id <> o.team_id) THEN
        UPDATE agentadm.teams t SET member_count = t.member_count + moved.members
        FROM (
            SELECT rows.team_id, sum(rows.one) AS members
            FROM (SELECT n.team_id, 1 AS one FROM new_rows n UNION ALL SELECT o.team_id, -1 FROM old_rows o) rows
            GROUP BY 1
        ) moved
        WHERE t.id = moved.team_id AND moved.members <> 0;
    END IF;
    RETURN NULL;
END
$$;

-- The owner of a living team lives. Whoever deletes the owner meanwhile waits for this row, and then finds the team.
CREATE FUNCTION agentadm.refuse_deleted_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM FROM agentadm.users u WHERE u.id = NEW.owner_id AND u.deleted_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'team % would belong to the deleted user %', NEW.slug, NEW.owner_id
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'restore the user, or transfer the team first';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION agentadm.refuse_teams_without_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    owned text;
BEGIN
    SELECT string_agg(t.slug, ', ' ORDER BY t.slug) INTO owned
    FROM agentadm.teams t WHERE t.owner_id = NEW.id AND t.personal_of IS NULL AND t.deleted_at IS NULL;
    IF owned IS NOT NULL THEN
        RAISE EXCEPTION 'user % owns teams: %', NEW.id, owned
            USING ERRCODE = 'integrity_constraint_violation',
                HINT = 'transfer them first: agentadm teams transfer TEAM NEW_OWNER';
    END IF;
    RETURN NEW;
END
$$;

-- Every user has a personal team as soon as one is asked for, so that every agent and workflow has a team. Two who ask
-- at once get the same.
CREATE FUNCTION agentadm.personal_team(person uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT t.id INTO found_id FROM agentadm.teams t WHERE t.personal_of = person;
    IF found_id IS NOT NULL THEN
        RETURN found_id;
    END IF;
    INSERT INTO agentadm.teams AS t (name, slug, owner_id, personal_of)
    VALUES ('Personal', 'personal-' || replace(person::text, '-', ''), person, person)
    ON CONFLICT (personal_of) DO NOTHING
    RETURNING t.id INTO found_id;
    IF found_id IS NULL THEN
        SELECT t.id INTO found_id FROM agentadm.teams t WHERE t.personal_of = person;
    ELSE
        INSERT INTO agentadm.team_members (team_id, user_id, role) VALUES (found_id, person, 'owner');
    END IF;
    RETURN found_id;
END
$$;
