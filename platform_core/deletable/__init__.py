"""Things that are deleted softly, and restored: found, locked and written, whatever the noun."""
