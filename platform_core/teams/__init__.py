"""Teams: people who work together, and what each of them may do."""
