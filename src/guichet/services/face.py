"""A dialect's face towards merchants' servers: how an event looks on its wire and how it is signed.

Services never import dialects: the composition root hands each dialect's face to the gateway
(``Gateway.faces``, by the dialect's name). A module with these functions is a face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from guichet.domain.events import Event
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.subjects import Subject


class SigningKeys(NamedTuple):
    """What a delivery is signed with, opened: the application's webhook secret, its private key
    where its wire signs with it, and the endpoint's own secrets (newest first) and signature
    profile; none and ``all`` where the address is the payment's own.
    """

    application: bytes
    private_key: bytes | None = None
    endpoint: tuple[bytes, ...] = ()
    profile: str = "all"


class Face(Protocol):
    """What a dialect knows about notifications, and about sending the payer back."""

    def render_event(
        self, gateway: Gateway, event: Event, subject: Subject, wanted: Sequence[str] | None
    ) -> bytes | None:
        """The body, rendered once per delivery: stored, signed and sent as it is.

        ``wanted`` are the endpoint's events in the dialect's words, None for a payment's own
        address. None: on this wire the event is none of them.
        """
        ...

    def signature_headers(
        self, keys: SigningKeys, body: bytes, event_id: str, timestamp: datetime
    ) -> Mapping[str, str]:
        """The headers of one try: content type, event, and signatures over ``body``.

        ``event_id`` is the same on every try, ``timestamp`` is the try's own.
        """
        ...

    def return_url(self, payment: Payment) -> str | None:
        """Where the payer's browser may go back to the merchant, if they said."""
        ...

    def payer_query(self, payment: Payment) -> Mapping[str, str]:
        """What the payer's browser takes along, as a query, on its way back to the merchant."""
        ...
