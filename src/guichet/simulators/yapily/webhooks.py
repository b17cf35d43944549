"""Notices about payments, in the shape of Yapily's webhooks.

Off until a URL is set. Each notice is one POST, not retried; what became of it is kept for
``GET /_control/state``. With a secret, ``webhook-signature`` carries the hexadecimal HMAC-SHA256
of the raw body: Yapily documents no recipe, this is what integrators report.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from typing import Any
from uuid import uuid4

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpPost, post
from guichet.simulators.common.wire import encode

from .records import Payment
from .wire import payment_json

_REMEMBERED = 1000


class Webhooks:
    """Sends the notices of one application."""

    def __init__(
        self, faults: Faults, application_id: str, secret: str | None, http_post: HttpPost | None
    ) -> None:
        self._faults = faults
        self._application_id = application_id
        self._secret = secret
        self._http_post = http_post or post
        self.under_way: set[asyncio.Task[None]] = set()
        self.url: str | None = None
        self.sent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def tell(self, payment: Payment, status_changed: bool, iso_changed: bool) -> None:
        """Sends what Yapily would send about a change of a payment, in the background."""
        if self.url is None:
            return
        for event_type in _event_types(payment, status_changed, iso_changed):
            notice = {
                "id": str(uuid4()),
                "applicationId": self._application_id,
                "type": event_type,
                "event": payment_json(payment),
                "metadata": {"tracingId": uuid4().hex},
            }
            fault = self._faults.take("webhook")
            copies = payment.scenario.notices
            if fault is not None:
                copies = {"drop": 0, "duplicate": fault.copies}.get(fault.kind, copies)
            delay = fault.seconds if fault is not None and fault.kind == "delay" else 0.0
            for _ in range(copies):
                task = asyncio.create_task(self._send(self.url, notice, delay))
                self.under_way.add(task)
                task.add_done_callback(self.under_way.discard)

    async def _send(self, url: str, notice: dict[str, Any], delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        body = encode(notice)
        headers = {"content-type": "application/json"}
        if self._secret is not None:
            signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers["webhook-signature"] = signature
        record = {"type": notice["type"], "payment": notice["event"]["id"], "url": url}
        try:
            self.sent.append(record | {"answer": await self._http_post(url, body, headers)})
        except Exception as error:  # noqa: BLE001 — whatever goes wrong there is a line in the book
            self.sent.append(record | {"answer": None, "error": type(error).__name__})


def _event_types(payment: Payment, status_changed: bool, iso_changed: bool) -> list[str]:
    types = []
    if status_changed:
        types.append("single_payment.status.updated")
    if status_changed and payment.status == "COMPLETED":
        types.append("single_payment.status.completed")
    if iso_changed:
        types.append("single_payment.iso_status.updated")
    return types
