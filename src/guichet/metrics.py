"""What `/metrics` tells about the work: few numbers, each with a meaning for an operator."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

QUEUE_DEPTH = Gauge("guichet_queue_depth", "Pieces of work that are due and not done.", ["queue"])
QUEUE_AGE = Gauge(
    "guichet_queue_oldest_age_seconds",
    "How long the oldest piece of work has been due; 0 when none is.",
    ["queue"],
)
WAITING = Gauge(
    "guichet_waiting",
    "What waits inside a serving process: for a shared commit (creations, outcomes), for a shared "
    "query (reads), for a connection to the database (connections).",
    ["what"],
    multiprocess_mode="livesum",
)
WAITING_AGE = Gauge(
    "guichet_waiting_oldest_age_seconds",
    "How long the first of it has been waiting.",
    ["what"],
    multiprocess_mode="livemax",
)
LOST_ORDERS = Gauge(
    "guichet_lost_orders",
    "Orders under our keys in a provider's list, as it was last read, that we do not know: an "
    "older backup was restored. Their money is in suspense.",
    ["rail"],
)
BOOKS_WRONG = Gauge("guichet_books_wrong", "Invariants of the books found broken at the last look.")
HALTED = Gauge("guichet_money_halted", "1 while no new money may move.")
WORK = Counter("guichet_work", "Pieces of work done, by what came of them.", ["queue", "outcome"])
NOTICES = Counter(
    "guichet_notices",
    "Providers' notices: kept, unknown_event (authentic, of a type that the connector does not "
    "know), forged, unprovable (no secret is set to prove them by).",
    ["rail", "outcome"],
)
CALLS = Counter(
    "guichet_outgoing_calls",
    "Calls to providers and merchants, by whom they were for and what came back: 2xx to 5xx, "
    "not_sent (certainly nothing left), no_answer (it may have been acted on), refused (by us), "
    "circuit_open (not tried).",
    ["about", "outcome"],
)
CALL_SECONDS = Histogram(
    "guichet_outgoing_seconds",
    "How long such calls took.",
    ["about"],
    buckets=(0.05, 0.2, 0.5, 1, 2, 5, 15),
)
REQUEST_SECONDS = Histogram(
    "guichet_request_seconds",
    "How long requests took, by part of the server.",
    ["part"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 3),
)
SHED = Counter(
    "guichet_shed_requests", "Requests refused for want of time, by urgency.", ["urgency"]
)
