"""The harness's merchants, as the first application of ``gateways`` unless said otherwise."""

from __future__ import annotations

from uuid import UUID

from gateways import APPLICATION_ID, TOKEN
from guichet.torture import calls
from guichet.torture.calls import Answer, payment_body, release_together, request_bytes
from relay import judging_hooks

__all__ = ["Answer", "Merchant", "payment_body", "release_together", "request_bytes"]


class Merchant(calls.Merchant):
    """A merchant of the test's own database."""

    def __init__(
        self,
        url: str,
        timeout_seconds: float = 10,
        application_id: UUID = APPLICATION_ID,
        token: str = TOKEN,
    ) -> None:
        super().__init__(url, application_id, token, timeout_seconds)
        self._client.event_hooks = judging_hooks()
