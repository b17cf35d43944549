"""The bookkeeping: accounts, entries and the book of rules. Pure; the store writes it down."""
