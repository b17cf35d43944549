"""A dialect's face towards merchants' servers: how an event looks on its wire and how it is signed.

Services never import dialects: the composition root hands each dialect's face to the gateway
(``Gateway.faces``, by the dialect's name). A module with these functions is a face.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from guichet.domain.events import Event
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.payments import PaymentView


class Face(Protocol):
    """What a dialect knows about notifications, and about sending the payer back."""

    def render_event(self, gateway: Gateway, event: Event, view: PaymentView) -> bytes:
        """The body, rendered once per delivery: stored, signed and sent as it is."""
        ...

    def signature_headers(
        self, secret: bytes, body: bytes, event_id: str, timestamp: datetime
    ) -> Mapping[str, str]:
        """The headers of one try: content type, event, and signatures over ``body``.

        ``event_id`` is the same on every try, ``timestamp`` is the try's own.
        """
        ...

    def payer_query(self, payment: Payment) -> Mapping[str, str]:
        """What the payer's browser takes along, as a query, on its way back to the merchant."""
        ...
