"""Versions of things: listed, compared and gone back to, whatever the noun."""
