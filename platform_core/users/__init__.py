"""Users and their identities at sign-in providers."""
