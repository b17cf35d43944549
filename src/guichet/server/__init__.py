"""The processes: what listens, what works, and the order in which they start and stop."""
