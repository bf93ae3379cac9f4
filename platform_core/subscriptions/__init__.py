"""Subscriptions: customers' contracts for a plan, or for one agent."""
