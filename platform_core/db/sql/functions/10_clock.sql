-- Time, ids and the mark of the installation.
-- In every search_path pg_temp comes last, and types are named with their schema where a function has none: else a
-- login could put a type of its own in the place of ours, and have its check run as our owner.

CREATE FUNCTION agentadm.is_production() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM agentadm.installation WHERE production) $$;

CREATE FUNCTION agentadm.now() RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    setting pg_catalog.text := pg_catalog.current_setting('app.clock', true);
BEGIN
    IF setting IS NULL OR setting = '' THEN
        RETURN pg_catalog.transaction_timestamp();
    END IF;
    -- A fake time must never reach a production database.
    IF agentadm.is_production() THEN
        RETURN pg_catalog.transaction_timestamp();
    END IF;
    RETURN setting::pg_catalog.timestamptz;
END
$$;

-- Time-ordered: 48 bits of milliseconds, then random bits (RFC 9562, version 7). The real time, so that ids stay
-- ordered by their making even under a fake clock.
CREATE FUNCTION agentadm.uuid_v7() RETURNS uuid
    LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$
SELECT pg_catalog.encode(
    pg_catalog.set_bit(
        pg_catalog.set_bit(
            pg_catalog.overlay(
                pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
                pg_catalog.substring(
                    pg_catalog.int8send((EXTRACT(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint), 3
                ),
                1, 6
            ),
            52, 1
        ),
        53, 1
    ),
    'hex'
)::uuid
$$;

-- A time that the statement sets itself is kept, and so is the one that undo puts back, be it the same. The argument
-- names columns whose changes count for nothing (last use and the like).
CREATE FUNCTION agentadm.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.updated_at IS DISTINCT FROM OLD.updated_at OR NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NEW;
    END IF;
    IF pg_catalog.current_setting('app.undoing', true) = 'on'
        AND pg_catalog.current_setting('app.deriving', true) IS DISTINCT FROM 'on'
    THEN
        RETURN NEW;
    END IF;
    IF TG_NARGS > 0 AND pg_catalog.to_jsonb(NEW) - TG_ARGV[0]::pg_catalog.text[]
        IS NOT DISTINCT FROM pg_catalog.to_jsonb(OLD) - TG_ARGV[0]::pg_catalog.text[]
    THEN
        RETURN NEW;
    END IF;
    NEW.updated_at := agentadm.now();
    RETURN NEW;
END
$$;

CREATE FUNCTION agentadm.refuse_key_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the key of % cannot be changed: % to %', TG_TABLE_NAME, OLD.id, NEW.id
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'delete the row and insert a new one';
END
$$;

CREATE FUNCTION agentadm.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no audit', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'use DELETE';
END
$$;

-- Append-only tables: only the owner of the table and superusers may change a row that is there.
CREATE FUNCTION agentadm.refuse_rewrite() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF pg_catalog.pg_has_role(current_user, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
