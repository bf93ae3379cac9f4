"""Crews: groups of hired agents in a project."""
