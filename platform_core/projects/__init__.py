"""Projects: what hired agents work on, for a user or for a team."""
