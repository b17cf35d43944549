"""The connectors of this process, by rail and environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from guichet.rails.port import Rail, RailCard


def undeclared(rail: object) -> list[str]:
    """What a connector does not say of itself, though the gateway rests on it; empty: it may load.

    None of it has a default, least of all one that says yes (design: a forged notice was believed
    wherever a check was optional): how notices prove themselves, which ones there are, how long
    "not found" may still become "found", whether a repeated order is the same order, and the verbs
    that hear a notice and ask by reference.
    """
    card = getattr(rail, "card", None)
    if not isinstance(card, RailCard):
        return ["a card"]
    said: dict[str, Any] = {each.name: getattr(card, each.name) for each in fields(card)}
    missing = []
    if not isinstance(said["authenticity"], str) or not said["authenticity"].strip():
        missing.append("how its notices are proved (authenticity)")
    if not isinstance(said["event_types"], frozenset) or not said["event_types"]:
        missing.append("which notices there are (event_types)")
    if type(said["visibility_seconds"]) is not int or said["visibility_seconds"] < 0:
        missing.append("how long not found is no answer (visibility_seconds)")
    if type(said["deduplicates"]) is not bool:
        missing.append("whether it deduplicates (deduplicates)")
    for verb in ("hear", "advance"):
        own = getattr(type(rail), verb, None)
        if not callable(own) or own is getattr(Rail, verb):
            missing.append(f"a verb of its own ({verb})")
    return missing


class Registry:
    """Knows which connector serves a rail in an environment.

    Raises ``ValueError`` for a connector that does not declare what the gateway rests on
    (``undeclared``).
    """

    def __init__(self, rails: Mapping[tuple[str, str], Rail]) -> None:
        for key, rail in rails.items():
            if missing := undeclared(rail):
                raise ValueError(f"{key}: a connector must declare {', '.join(missing)}")
        self._rails = dict(rails)

    def get(self, rail: str, environment: str) -> Rail:
        """The connector; raises ``KeyError`` when the rail is not set up there."""
        return self._rails[rail, environment]

    def items(self) -> Iterator[tuple[tuple[str, str], Rail]]:
        """((rail, environment), connector) of each."""
        return iter(self._rails.items())
