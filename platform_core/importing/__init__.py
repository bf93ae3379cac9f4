"""Imports at scale: records of a file, checked and merged in chunks, each bad one named by its line."""
