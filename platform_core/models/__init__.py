"""Models that agents and conversations may use."""
