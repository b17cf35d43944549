"""Names of parametrized tests that are the same in every worker process."""

from __future__ import annotations


def name_of(value: object) -> str:
    """The value as text; a set's members in order, for Python's order of them is random."""
    return ",".join(sorted(map(str, value))) if isinstance(value, set | frozenset) else str(value)
