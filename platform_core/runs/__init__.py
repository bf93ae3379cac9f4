"""Runs of agents and workflows, and errors."""
