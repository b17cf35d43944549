"""Ratios with their range, verdicts only where the range allows one, and the tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.load import Sample

#: A ratio whose values lie further apart than this part of their median proves nothing.
RANGE_MAX = 0.25


@dataclass(frozen=True)
class Ratio:
    """``values`` are taken between runs next to each other. ``goal`` None: for information."""

    name: str
    values: Sequence[float]
    goal: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        """``met`` or ``missed``, or why neither can be said."""
        if self.goal is None:
            return "–"
        spread = (max(self.values) - min(self.values)) / median(self.values)
        if spread > RANGE_MAX:
            return f"no verdict: range {spread:.0%}"
        met = median(self.values) <= self.goal if self.at_most else median(self.values) >= self.goal
        return "met" if met else "missed"

    def row(self) -> list[str]:
        goal = "–" if self.goal is None else f"{'≤' if self.at_most else '≥'} {self.goal:g}"
        span = f"{min(self.values):.2f}–{max(self.values):.2f}"
        return [self.name, f"{median(self.values):.2f}", span, goal, self.verdict]


def rates(ours: Sequence[Sample], other: Sequence[Sample]) -> list[float]:
    return [a.rate / b.rate for a, b in zip(ours, other, strict=True)]


def costs(ours: Sequence[Sample], other: Sequence[Sample]) -> list[float]:
    return [a.cost_us / b.cost_us for a, b in zip(ours, other, strict=True)]


def run_row(name: str, clients: int, samples: Sequence[Sample]) -> list[str]:
    """The medians of some runs of one case."""

    def cpu(tree: str) -> str:
        values = [sample.cpu_us[tree] for sample in samples if tree in sample.cpu_us]
        return f"{median(values):.0f}" if values else "–"

    return [
        name,
        str(clients),
        f"{median(sample.rate for sample in samples):,.0f}",
        f"{median(sample.p50_ms for sample in samples):.2f}",
        "–" if math.isnan(samples[0].p99_ms) else f"{median(s.p99_ms for s in samples):.2f}",
        cpu("server"),
        cpu("postgres"),
        cpu("client"),
        f"{median(sample.client_share for sample in samples):.0%}",
        f"{median(sample.foreign_cores for sample in samples):.2f}",
    ]


RATIO_HEAD = ["Ratio", "Median", "Range", "Goal", "Verdict"]
RUN_HEAD = [
    "Case", "Clients", "Per second", "p50 ms", "p99 ms", "Server µs", "PostgreSQL µs",
    "Client µs", "Client share", "Foreign cores",
]  # fmt: skip


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns in line, so that it also reads well on a terminal."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *map(line, rows)])
