-- What is secret is read by administrators only. Others ask here for what they need of it, and get no more. No
-- setting of a session but the one that row-level security trusts is heeded here.

-- The contacts of one agent, encrypted, to be revealed: to operators, and to whoever sees the agent as one of its team.
CREATE FUNCTION agentadm.agent_contacts(of_agent uuid)
    RETURNS TABLE (contact_email text, contact_phone text, contact_whatsapp text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT a.contact_email, a.contact_phone, a.contact_whatsapp
FROM agentadm.agents a
WHERE a.id = of_agent AND (
    agentadm.is_operator() OR agentadm.is_platform_admin()
    OR current_setting('role') IS DISTINCT FROM 'agentadm_tenant' AND agentadm.is_administrator()
    OR a.team_id = ANY (agentadm.teams_of_user('{owner,admin,member,viewer}'))
)
$$;

-- With which version of the encryption key the configuration of a trigger is encrypted; NULL where it has none.
CREATE FUNCTION agentadm.trigger_key_version(of_trigger uuid) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT split_part(t.config, ':', 1)::integer FROM agentadm.workflow_triggers t WHERE t.id = of_trigger $$;

-- The same of the key of a model.
CREATE FUNCTION agentadm.model_key_version(of_model uuid) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT split_part(m.api_key, ':', 1)::integer FROM agentadm.ai_models m WHERE m.id = of_model $$;

-- The hashes of keys that bcrypt has hashed and that begin so. With none that begins so, another's: to compare with it
-- takes as long. What is under a pepper does not come out.
CREATE FUNCTION agentadm.bcrypt_candidates(beginnings text[]) RETURNS TABLE (key_hash text, begins_so boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
(SELECT k.key_hash, true FROM agentadm.api_keys k
 WHERE k.hash_version = 'bcrypt' AND k.display_start = ANY (beginnings))
UNION ALL
(SELECT k.key_hash, false FROM agentadm.api_keys k WHERE k.hash_version = 'bcrypt' LIMIT 1)
$$;

-- An HMAC-SHA-256 of what tells the inputs of operations apart, with the key of the installation, which stays here.
CREATE FUNCTION agentadm.inputs_digest(message bytea) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT encode(sha256(outer_pad || sha256(inner_pad || message)), 'hex')
FROM (
    SELECT string_agg(set_byte(decode('00', 'hex'), 0, k.octet # 54), ''::bytea ORDER BY k.place) AS inner_pad,
        string_agg(set_byte(decode('00', 'hex'), 0, k.octet # 92), ''::bytea ORDER BY k.place) AS outer_pad
    FROM (
        SELECT p.place, CASE WHEN p.place < length(i.digest_key) THEN get_byte(i.digest_key, p.place) ELSE 0 END AS octet
        FROM agentadm.installation i CROSS JOIN generate_series(0, 63) p (place)
    ) k
) pads
$$;
