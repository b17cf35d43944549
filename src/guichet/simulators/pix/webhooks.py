"""Notices: ``POST {webhookUrl}/pix`` with one Pix or several, as the API Pix has them.

A Pix with a txid is told when it arrives and when a return of it ends. Each notice is one POST,
not retried; what became of it is kept for ``GET /_control/state``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from guichet.simulators.common.faults import Fault, Faults
from guichet.simulators.common.posting import HttpPost
from guichet.simulators.common.wire import encode

from .records import Payment
from .wire import payment_json

_REMEMBERED = 1000
_HEADERS = {"content-type": "application/json"}


class Webhooks:
    """Sends the notices of all receivers.

    ``batch``: how many notices to one address wait for each other before they go as one POST.
    """

    def __init__(self, faults: Faults, http_post: HttpPost) -> None:
        self._faults = faults
        self._http_post = http_post
        self.batch = 1
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.under_way: set[asyncio.Task[None]] = set()
        self.sent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def reset(self) -> None:
        self.batch = 1
        self.waiting.clear()
        self.sent.clear()

    def tell(self, payment: Payment) -> None:
        """Tells the receiver how a Pix stands, in the background."""
        url = payment.receiver.webhook_url
        if url is None or payment.txid is None or payment.scenario.notices == 0:
            return
        for _ in range(payment.scenario.notices):
            self.waiting.setdefault(url, []).append(payment_json(payment))
            if len(self.waiting[url]) >= self.batch:
                self.flush(url)

    def flush(self, url: str | None = None) -> int:
        """Sends what waits, for one address or for all; answers how many notices that were."""
        count = 0
        for address in [url] if url is not None else list(self.waiting):
            entries = self.waiting.pop(address, [])
            if entries:
                count += len(entries)
                self._send(address, entries)
        return count

    def _send(self, url: str, entries: list[dict[str, Any]]) -> None:
        fault = self._faults.take("webhook")
        copies, delay = _what_becomes_of_it(fault)
        for _ in range(copies):
            task = asyncio.create_task(self._post(f"{url.rstrip('/')}/pix", entries, delay))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)

    async def _post(self, url: str, entries: list[dict[str, Any]], delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        record: dict[str, Any] = {
            "url": url,
            "endToEndIds": [each["endToEndId"] for each in entries],
        }
        try:
            status = await self._http_post(url, encode({"pix": entries}), _HEADERS)
            self.sent.append(record | {"answer": status})
        except Exception as error:  # noqa: BLE001 — whatever goes wrong there is a line in the book
            self.sent.append(record | {"answer": None, "error": type(error).__name__})


def _what_becomes_of_it(fault: Fault | None) -> tuple[int, float]:
    if fault is None:
        return 1, 0.0
    copies = {"drop": 0, "duplicate": fault.copies}.get(fault.kind, 1)
    return copies, fault.seconds if fault.kind == "delay" else 0.0
