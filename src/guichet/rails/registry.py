"""The connectors of this process, by rail and environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guichet.rails.port import Rail


class Registry:
    """Knows which connector serves a rail in an environment.

    Raises ``ValueError`` for a connector that does not declare how it proves a notice authentic.
    """

    def __init__(self, rails: Mapping[tuple[str, str], Rail]) -> None:
        for key, rail in rails.items():
            if not rail.card.authenticity:
                raise ValueError(f"{key}: a connector must say how its notices are proved")
        self._rails = dict(rails)

    def get(self, rail: str, environment: str) -> Rail:
        """The connector; raises ``KeyError`` when the rail is not set up there."""
        return self._rails[rail, environment]

    def items(self) -> Iterator[tuple[tuple[str, str], Rail]]:
        """((rail, environment), connector) of each."""
        return iter(self._rails.items())
