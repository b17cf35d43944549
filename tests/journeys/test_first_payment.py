"""The story of the README: ``guichet run``, one payment by the API, its payer's browser."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from guichet.demo import APPLICATION_ID, KEY, WEBHOOK_SECRET
from guichet.server.http import bind
from journeys.house import Shop, until
from journeys.payer import Payer
from relay import judging_hooks

_ENDS_WITHIN_SECONDS = 30


def environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GUICHET_")}
    return kept | {"GUICHET_DATA_DIR": str(folder / "var"), "GUICHET_PORT": str(port)}


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """``guichet run`` until the end of the block; it must then end in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "guichet", "run"),
        env=environment(folder, port),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), _ENDS_WITHIN_SECONDS)
    assert process.returncode == 0


async def command(folder: Path, port: int, *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "guichet", *words),
        env=environment(folder, port),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


def neopay_signature(moment: str, body: bytes) -> str:
    secret = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    proof = hmac.new(secret, moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={proof}"


async def test_the_whole_story(tmp_path: Path, shop: Shop, payer: Payer) -> None:
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    headers = {"x-app-key": str(APPLICATION_ID), "authorization": KEY}
    base_url = f"http://127.0.0.1:{port}"
    async with (
        running(tmp_path, port),
        httpx2.AsyncClient(
            base_url=base_url, headers=headers, event_hooks=judging_hooks()
        ) as merchant,
    ):

        async def health() -> int:
            try:
                return (await merchant.get("/healthz")).status_code
            except httpx2.TransportError:
                return 0

        await until(health, lambda status: status == 200)
        order = {
            "serviceId": "api",
            "institutionId": 20,
            "payment": {"amount": 122.44, "currency": "GBP"},
            "customer": {"id": str(uuid4()), "email": "jhondoe@email.com", "country": "GB"},
            "reference": "reference",
            "callback_url": shop.url,
        }
        made = (await merchant.post("/api/payments", json=order)).json()["payment"]

        await payer.open(made)
        await payer.sees("Pay John Doe")
        for words in ("£122.44", "reference", "Modelo Sandbox"):
            await payer.is_told(words)
        await payer.go_to_bank()
        await payer.is_told("John Doe")
        await payer.accept()
        await payer.sees("Payment completed")
        await payer.is_told(made["id"])

        shown = (await merchant.get(f"/api/payments/{made['id']}")).json()["payment"]
        assert (shown["status"], shown["amount"], shown["currency"]) == ("completed", 122.44, "GBP")

        await shop.has_heard("completed")
        for told, body in shop.notifications:
            assert Webhook(WEBHOOK_SECRET).verify(body, told) == json.loads(body)
            assert told["x-neopay-event"] == "payment.updated"
            assert told["x-neopay-signature"] == neopay_signature(told["webhook-timestamp"], body)
        assert shop.statuses[-1] == "completed"

        await payer.page.get_by_role("link", name="Return to Demo shop").click()
        await payer.sees("Thanks")
        assert shop.visits == [f"payment_id={made['id']}&status=completed&reference=reference"]

        code, report = await command(tmp_path, port, "ledger", "audit")
        assert code == 0, report


@pytest.mark.parametrize("field", ["x-app-key", "authorization"])
async def test_the_demo_credentials_are_those_of_the_documents(field: str) -> None:
    known = {"x-app-key": "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6", "authorization": "np_test.demo"}

    assert {"x-app-key": str(APPLICATION_ID), "authorization": KEY}[field] == known[field]
