"""Webhooks as Notch Pay sends them: the resource itself, signed with the account's hash key.

Not retried here; what became of each is kept for ``GET /_control/state``. A number may say that
no notice of it is ever sent, or two; the faults of the operation ``webhook`` lose, keep or repeat
one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from typing import Any

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpPost, post
from guichet.simulators.common.wire import encode

from .records import Endpoint, Order, new_reference
from .wire import moment, order_json

_REMEMBERED = 1000


class Webhooks:
    """Sends the webhooks of one account to its endpoints."""

    def __init__(self, faults: Faults, hash_key: str, http_post: HttpPost | None) -> None:
        self._faults = faults
        self._hash_key = hash_key.encode()
        self._http_post = http_post or post
        self.under_way: set[asyncio.Task[None]] = set()
        self.sent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def tell(self, event: str, order: Order, endpoints: list[Endpoint]) -> None:
        """Sends an event to the endpoints that asked for it, in the background."""
        wanting = [each for each in endpoints if each.active and {event, "*"} & {*each.events}]
        if not wanting:
            return
        body = encode(
            {
                "id": new_reference("evt"),
                "event": event,
                "type": event,
                "created_at": moment(order.changed_at),
                "data": order_json(order),
            }
        )
        fault = self._faults.take("webhook")
        copies, delay = (order.request.scenario.callbacks if order.request else 1), 0.0
        if fault is not None:
            copies = {"drop": 0, "duplicate": fault.copies}.get(fault.kind, copies)
            delay = fault.seconds if fault.kind == "delay" else 0.0
        for endpoint in wanting * copies:
            task = asyncio.create_task(
                self._send(event, order.reference, endpoint.url, body, delay)
            )
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)

    async def _send(self, event: str, reference: str, url: str, body: bytes, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        signature = hmac.new(self._hash_key, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-notch-signature": signature}
        record = {"event": event, "reference": reference, "url": url}
        try:
            self.sent.append(record | {"answer": await self._http_post(url, body, headers)})
        except Exception as error:  # noqa: BLE001 — whatever goes wrong there is a line in the book
            self.sent.append(record | {"answer": None, "error": type(error).__name__})
