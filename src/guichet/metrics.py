"""What `/metrics` tells about the work: few numbers, each with a meaning for an operator."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

QUEUE_DEPTH = Gauge("guichet_queue_depth", "Pieces of work that are due and not done.", ["queue"])
QUEUE_AGE = Gauge(
    "guichet_queue_oldest_age_seconds",
    "How long the oldest piece of work has been due; 0 when none is.",
    ["queue"],
)
BOOKS_WRONG = Gauge("guichet_books_wrong", "Invariants of the books found broken at the last look.")
HALTED = Gauge("guichet_money_halted", "1 while no new money may move.")
WORK = Counter("guichet_work", "Pieces of work done, by what came of them.", ["queue", "outcome"])
