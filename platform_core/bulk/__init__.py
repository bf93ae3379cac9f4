"""Several items in one run: each by itself, or all or nothing; what was done is on record, and can be gone on with."""
