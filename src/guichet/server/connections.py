"""The connections of one process: how many there may be, and when their time is over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol, Self

from guichet.server.refusals import TOO_MANY, TOO_MANY_OF_ADDRESS, Refusal
from guichet.settings import Settings
from guichet.web.proxies import TrustedProxies, network_of

#: A request line with its method and version is about this much longer than its target.
TARGET_BYTES_MAX = 8192
#: How many connections beyond the limit are told so; more are closed without a word.
_TOLD_MAX = 256


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What one connection may send and how long it may take; 0 connections mean no limit."""

    header_bytes: int
    header_count: int
    body_bytes: int
    header_seconds: float
    body_seconds: float
    keep_alive_seconds: float
    connections: int
    connections_of_address: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings name."""
        return cls(
            header_bytes=settings.header_limit_bytes,
            header_count=settings.header_limit_count,
            body_bytes=max(settings.body_limit_bytes, settings.notice_limit_bytes),
            header_seconds=settings.header_timeout_seconds,
            body_seconds=settings.body_timeout_seconds,
            keep_alive_seconds=settings.keep_alive_seconds,
            connections=settings.connections_limit,
            connections_of_address=settings.connections_per_address,
        )


class Connection(Protocol):
    """What is watched: ``expires_at`` is of the loop's clock."""

    expires_at: float

    def expire(self) -> None:
        """The time is over."""


class Connections:
    """Who is connected. A client behind a trusted proxy is counted by its requests under way.

    ``now`` is the loop's time as of the last ``expire``: exact to the tick, and free to read.
    """

    def __init__(self, limits: EdgeLimits, proxies: TrustedProxies) -> None:
        self.now = 0.0
        self.limits = limits
        self.proxies = proxies
        self._watched: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._admitted = 0

    def open(self, connection: Connection) -> None:
        """Watch it until ``close``."""
        self._watched.add(connection)

    def close(self, connection: Connection) -> None:
        """It has ended."""
        self._watched.discard(connection)

    @property
    def are_beyond_words(self) -> bool:
        """Whether so many are being refused that the next one is closed without an answer."""
        return len(self._watched) - self._admitted > _TOLD_MAX

    def enter(self, address: str | None) -> Refusal | None:
        """Admit one more of ``address`` (None: of a proxy, whose clients are counted); answers
        None, or how to refuse it.
        """
        limit = self.limits.connections
        if limit and self._admitted >= limit:
            return TOO_MANY
        refusal = None if address is None else self.enter_request(address)
        self._admitted += refusal is None
        return refusal

    def leave(self, address: str | None) -> None:
        """One that was admitted has ended."""
        self._admitted -= 1
        if address is not None:
            self.leave_request(address)

    def enter_request(self, address: str) -> Refusal | None:
        """The same for a request through a proxy, whose connections are few."""
        network = network_of(address)
        limit = self.limits.connections_of_address
        if limit and self._of_address[network] >= limit:
            return TOO_MANY_OF_ADDRESS
        self._of_address[network] += 1
        return None

    def leave_request(self, address: str) -> None:
        """Such a request was answered."""
        network = network_of(address)
        self._of_address[network] -= 1
        if not self._of_address[network]:
            del self._of_address[network]

    def expire(self, now: float) -> None:
        """End what is over at ``now``."""
        self.now = now
        for connection in [each for each in self._watched if each.expires_at <= now]:
            connection.expire()
