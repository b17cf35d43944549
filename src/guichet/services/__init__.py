"""Use cases: they own the transactions, one function for each thing a user can do."""
