"""The faults of the plan, each with its bar (docs/reliability.md)."""
