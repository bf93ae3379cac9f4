"""Workflows: nodes and connections, with versions, triggers and schedules."""
