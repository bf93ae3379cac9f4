"""The audit: what changed, undone or verified."""
