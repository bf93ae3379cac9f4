"""Instances: agents that run for somebody."""
