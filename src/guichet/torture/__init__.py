"""The fault harness, `guichet torture`: it shares no code with what it checks."""
