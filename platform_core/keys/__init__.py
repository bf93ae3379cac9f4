"""API keys: made, shown once, rotated, revoked, verified."""
