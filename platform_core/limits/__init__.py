"""Limits: what somebody may use, and how that was found."""
