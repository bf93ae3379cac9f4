-- API keys.

CREATE TRIGGER refuse_dead_pepper BEFORE UPDATE OF revoked_at, expires_at ON agentadm.api_keys FOR EACH ROW
    WHEN (
        NEW.revoked_at IS NULL AND (
            OLD.revoked_at IS NOT NULL OR NEW.expires_at IS NULL AND OLD.expires_at IS NOT NULL
            OR NEW.expires_at > OLD.expires_at
        )
    )
    EXECUTE FUNCTION agentadm.refuse_dead_pepper();
