"""Statements of verification, in plain SQL: each stands alone, and the first is all that most keys cost."""

# Always one row, by the same steps whether or not there is such a key. For libpq itself.
VERIFY = """
SELECT key_id, hash_version, display_start, user_id, team_id, agent_id, allowed, rule, message
FROM agentadm.verify_key($1::text[], $2, $3, $4::uuid, coalesce($5::timestamptz, agentadm.now()))
"""
ANY_BCRYPT = "SELECT EXISTS (SELECT FROM agentadm.api_keys WHERE hash_version = 'bcrypt')"
BCRYPT_CANDIDATES = "SELECT key_hash, begins_so FROM agentadm.bcrypt_candidates(%s)"
