"""Life cycles as tables of edges, read by the code, the documents and the tests alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guichet.domain.errors import ForbiddenTransition


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The states of ``noun`` and the moves allowed between them.

    ``edges`` maps a state to the states that may follow it, each with the reason why. States
    without an entry are final.
    """

    noun: str
    start: str
    edges: Mapping[str, Mapping[str, str]]

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order of the table."""
        seen = dict.fromkeys([self.start, *self.edges])
        for targets in self.edges.values():
            seen.update(dict.fromkeys(targets))
        return tuple(seen)

    def allows(self, source: str, target: str) -> bool:
        """Whether ``source`` may become ``target``."""
        return target in self.edges.get(source, ())

    def check(self, source: str, target: str) -> None:
        """Raise ``ForbiddenTransition`` unless ``source`` may become ``target``."""
        if not self.allows(source, target):
            raise ForbiddenTransition(self.noun, source, target)

    def to_mermaid(self) -> str:
        """The life cycle as a Mermaid state diagram (docs/states.md)."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        lines += [
            f"    {source} --> {target} : {why}"
            for source, targets in self.edges.items()
            for target, why in targets.items()
        ]
        return "\n".join(lines)
