"""Merchants and payers as they are on the wire: bytes out, bytes in, nothing of the product's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

_BANK_PAGE = re.compile(r"https?://[^\"'<>\s]+/bank/[a-z0-9-]+/authorise/[A-Za-z0-9_-]+")

_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=20)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the body's bytes, when to try again, if the answer says so."""

    status: int
    body: bytes
    retry_after: str | None = None

    def json(self) -> Any:
        """The body; numbers with a point as ``Decimal``."""
        return json.loads(self.body, parse_float=Decimal)


def payment_body(
    amount: str,
    currency: str = "GBP",
    callback_url: str | None = None,
    email: str = "payer@example.com",
    service: str = "api",
) -> bytes:
    """A payment request; ``amount`` goes over the wire digit for digit."""
    body: dict[str, Any] = {
        "serviceId": service,
        "institutionId": "modelo-sandbox",
        "payment": {"amount": "AMOUNT", "currency": currency},
        "customer": {"email": email, "name": "Jane Payer", "country": "GB"},
        "reference": "torture",
    }
    if service == "pix":
        body["customer"]["tax_number"] = "06372771390"
        del body["institutionId"]
    if callback_url:
        body["callback_url"] = callback_url
    return json.dumps(body).replace('"AMOUNT"', amount).encode()


class Merchant:
    """A merchant's server with its credentials, and a payer's browser without script."""

    def __init__(
        self,
        url: str,
        application_id: UUID,
        token: str,
        timeout_seconds: float = 10,
    ) -> None:
        self.url = url
        self.application_id = application_id
        self.headers = {
            "x-app-key": str(application_id),
            "authorization": token,
            "content-type": "application/json",
        }
        self._client = httpx2.AsyncClient(
            base_url=url, trust_env=False, timeout=timeout_seconds, limits=_LIMITS
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def create(
        self, amount: str, currency: str = "GBP", key: str | None = None, **fields: str
    ) -> Answer:
        return await self.post("/api/payments", payment_body(amount, currency, **fields), key)

    async def post(self, path: str, body: bytes, key: str | None = None) -> Answer:
        headers = {**self.headers, "idempotency-key": key} if key else self.headers
        return _answer(await self._client.post(path, content=body, headers=headers))

    async def get(self, path: str) -> Answer:
        return _answer(await self._client.get(path, headers=self.headers))

    async def press_pay(self, page: str) -> Answer:
        """The payer presses the button of the payment's page."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return _answer(await self._client.post(urlsplit(page).path, content=b"", headers=headers))

    async def bank_page(self, page: str) -> str | None:
        """The bank's address, as our page hands the payer on; None while it has none."""
        answer = _answer(await self._client.get(f"{urlsplit(page).path}/bank"))
        found = _BANK_PAGE.search(answer.body.decode())
        return found[0] if answer.status == 200 and found else None

    async def come_back(self, callback: str) -> Answer:
        """The payer's browser opens the address that the bank sends it to."""
        parts = urlsplit(callback)
        return _answer(await self._client.get(f"{parts.path}?{parts.query}"))


class Shop:
    """A merchant's server that speaks Notch Pay's API, with both of its keys."""

    def __init__(
        self, url: str, public_key: str, private_key: str, timeout_seconds: float = 10
    ) -> None:
        self.url = url
        headers = {"authorization": public_key, "x-grant": private_key}
        self._client = httpx2.AsyncClient(
            base_url=url, trust_env=False, timeout=timeout_seconds, limits=_LIMITS, headers=headers
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, **fields: Any) -> Answer:
        """One call; amounts are given as texts or integers."""
        return _answer(await self._client.request(method, path, json=fields or None))


def _answer(answer: httpx2.Response) -> Answer:
    return Answer(answer.status_code, answer.content, answer.headers.get("retry-after"))


def request_bytes(merchant: Merchant, path: str, body: bytes, key: str | None = None) -> bytes:
    """A whole POST as it goes over a socket."""
    headers = dict(merchant.headers)
    if not path.startswith("/api"):
        headers = {"content-type": "application/x-www-form-urlencoded"}
    elif key:
        headers["idempotency-key"] = key
    headers |= {
        "host": urlsplit(merchant.url).netloc,
        "content-length": str(len(body)),
        "connection": "close",
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def release_together(requests: Sequence[tuple[str, bytes]]) -> list[Answer]:
    """Send ``(url, request)`` on a socket each, all but the last byte; then all the last bytes.

    The servers thus begin to work on all of them within a few milliseconds.
    """
    streams = [
        await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        for url, _ in requests
    ]
    for (_, writer), (_, request) in zip(streams, requests, strict=True):
        writer.write(request[:-1])
        await writer.drain()
    for (_, writer), (_, request) in zip(streams, requests, strict=True):
        writer.write(request[-1:])
    answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()
    return [_parse(answer) for answer in answers]


def _parse(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
    }
    return Answer(int(lines[0].split()[1]), body, headers.get("retry-after"))
