"""Plans: what the platform sells, with its limits."""
