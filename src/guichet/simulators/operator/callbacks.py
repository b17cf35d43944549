"""Callbacks: one call to the address that an order named, when the order has ended.

Not retried, whatever comes back, as MTN does; what became of it is kept for
``GET /_control/state``. MTN's pages disagree on the verb, so it can be switched; GSMA's is PUT.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Literal
from urllib.parse import urlsplit

from guichet.simulators.common.faults import Faults
from guichet.simulators.common.posting import HttpSend, send
from guichet.simulators.common.wire import encode

from . import gsma_wire, mtn_wire
from .records import Request

Verb = Literal["PUT", "POST"]

_REMEMBERED = 1000


def hosts_of(url: str) -> set[str]:
    """The host that an http or https address names, without and with its port; empty: none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return set()
    return {host, parts.netloc} if host and parts.scheme in {"http", "https"} else set()


class Callbacks:
    """Sends the callbacks of all operators."""

    def __init__(self, faults: Faults, http_send: HttpSend | None) -> None:
        self._faults = faults
        self._http_send = http_send or send
        self.under_way: set[asyncio.Task[None]] = set()
        self.sent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self.reset()

    def reset(self) -> None:
        self.sent.clear()
        self.mtn_verb: Verb = "PUT"
        self.reason_form: mtn_wire.ReasonForm = "object"

    def tell(self, request: Request) -> None:
        """Sends the callback of a request that has ended, in the background."""
        url = request.callback_url
        if url is None:
            return
        fault = self._faults.take("callback")
        copies, delay = request.scenario.callbacks, 0.0
        if fault is not None:
            copies = {"drop": 0, "duplicate": fault.copies}.get(fault.kind, copies)
            delay = fault.seconds if fault.kind == "delay" else 0.0
        if request.operator.api == "mtn":
            verb, told = self.mtn_verb, mtn_wire.result_json(request, self.reason_form)
            headers = {"X-Reference-Id": request.key}
        else:
            verb, told = "PUT", gsma_wire.callback_json(request)
            headers = {"X-CorrelationID": request.key, "X-Date": gsma_wire.date(request.changed_at)}
        headers["Content-Type"] = "application/json"
        for _ in range(copies):
            task = asyncio.create_task(self._send(verb, url, encode(told), headers, delay))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)

    async def _send(
        self, verb: Verb, url: str, body: bytes, headers: dict[str, str], delay: float
    ) -> None:
        if delay:
            await asyncio.sleep(delay)
        record = {"method": verb, "url": url, "key": headers.get("X-Reference-Id")}
        record["key"] = record["key"] or headers.get("X-CorrelationID")
        try:
            answer = await self._http_send(verb, url, body, headers)
            self.sent.append(record | {"answer": answer})
        except Exception as error:  # noqa: BLE001 — whatever goes wrong there is a line in the book
            self.sent.append(record | {"answer": None, "error": type(error).__name__})
