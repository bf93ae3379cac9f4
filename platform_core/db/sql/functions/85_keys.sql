-- API keys: what the database keeps of itself.

-- A key does not come back to life under a pepper that was taken out of use meanwhile: nothing could verify it. Who takes
-- one out of use waits for us, and then counts the key among the living.
CREATE FUNCTION agentadm.refuse_dead_pepper() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM FROM agentadm.key_material m
    WHERE m.purpose = 'pepper' AND m.version::text = NEW.hash_version AND m.retired_at IS NULL
    FOR SHARE;
    IF NOT FOUND AND NEW.hash_version <> 'bcrypt' THEN
        RAISE EXCEPTION 'key % is hashed with pepper %, which is not in use: nothing would know the key',
            NEW.display_start, NEW.hash_version
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'make a new key: agentadm keys create';
    END IF;
    RETURN NEW;
END
$$;
