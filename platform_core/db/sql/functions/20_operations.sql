-- Operations: who did what, and why. One row for each, made only by these functions.

-- Open an operation in the current transaction: the row, and the setting under which triggers file their changes.
CREATE FUNCTION agentadm.begin_operation(
    new_id uuid,
    new_command text,
    new_arguments jsonb,
    new_reason text,
    new_ticket text,
    new_idempotency_key text,
    new_actor text,
    new_os_user text,
    new_host text,
    new_undoes uuid
) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    transaction_id bigint := pg_current_xact_id()::text::bigint;
BEGIN
    IF new_actor IS NOT NULL AND new_actor <> session_user AND NOT agentadm.is_administrator() THEN
        RAISE EXCEPTION 'acting for % needs the role agentadm_admin', new_actor
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A second row under a known id would make changes of this transaction look like that operation's own.
    IF EXISTS (SELECT FROM agentadm.operations o WHERE o.id = new_id) THEN
        RAISE EXCEPTION 'operation % exists already', new_id USING ERRCODE = 'unique_violation';
    END IF;
    INSERT INTO agentadm.operations (
        id, command, arguments, reason, ticket, idempotency_key, actor, os_user, host, undoes, schema_version, xid
    )
    VALUES (
        new_id, new_command, coalesce(new_arguments, '{}'), new_reason, new_ticket, new_idempotency_key,
        coalesce(new_actor, session_user), new_os_user, new_host, new_undoes,
        (SELECT version_num FROM agentadm.alembic_version), transaction_id
    );
    PERFORM set_config('app.operation_id', new_id::text, true);
    RETURN transaction_id;
END
$$;

-- Go on with an operation that an earlier transaction opened: the second half of a provider step.
CREATE FUNCTION agentadm.continue_operation(known_id uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    transaction_id bigint := pg_current_xact_id()::text::bigint;
BEGIN
    IF NOT EXISTS (
        SELECT FROM agentadm.operations o
        WHERE o.id = known_id AND (o.session_user_name = session_user OR agentadm.is_administrator())
    ) THEN
        RAISE EXCEPTION 'operation % is not known, or was opened by another login', known_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO agentadm.operation_continuations (operation_id, xid) VALUES (known_id, transaction_id);
    PERFORM set_config('app.operation_id', known_id::text, true);
    RETURN transaction_id;
END
$$;

-- The owner of the schema, a superuser, or a member of agentadm_admin.
CREATE FUNCTION agentadm.is_administrator() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT pg_has_role(session_user, n.nspowner, 'USAGE')
    OR coalesce((
        SELECT pg_has_role(session_user, r.oid, 'USAGE') FROM pg_roles r WHERE r.rolname = 'agentadm_admin'
    ), false)
FROM pg_namespace n WHERE n.nspname = 'agentadm'
$$;

-- The operation that changes of this transaction belong to. A change made outside the tool gets one of its own, so
-- that it is listed, and can be undone, like any other; one under an id that nobody opened is such a change too.
CREATE FUNCTION agentadm.current_operation() RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    told text := current_setting('app.operation_id', true);
    known uuid;
BEGIN
    IF told ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
        SELECT o.id INTO known FROM agentadm.operations o WHERE o.id = told::uuid;
    END IF;
    IF known IS NULL THEN
        known := agentadm.uuid_v7();
        PERFORM agentadm.begin_operation(known, 'outside', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    END IF;
    RETURN known;
END
$$;

-- Wait for all who write audit rows, and keep others from it until COMMIT: below the newest place nothing can appear
-- then. A function, because LOCK TABLE asks for the right to change rows, which the administrators do not have.
CREATE FUNCTION agentadm.close_audit() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT agentadm.is_administrator() THEN
        RAISE EXCEPTION 'sealing the audit needs the role agentadm_admin' USING ERRCODE = 'insufficient_privilege';
    END IF;
    LOCK TABLE agentadm.operations, agentadm.audit_changes IN SHARE MODE;
END
$$;
