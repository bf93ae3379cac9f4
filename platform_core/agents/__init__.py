"""Agents: their definitions, versions, skills, plans and configurations."""
