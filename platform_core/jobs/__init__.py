"""Runs of cron jobs, their leases and heartbeats."""
