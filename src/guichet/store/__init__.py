"""The only SQL. Functions take a connection and values, and answer rows as the domain's tuples."""
