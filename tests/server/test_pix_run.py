"""PIX in the program that people start: `guichet run`, over HTTP and mutual TLS alone."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from guichet import demo
from relay import judging_hooks
from server.programs import Program, guichet, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEMO = {"x-app-key": str(demo.APPLICATION_ID), "authorization": demo.KEY}
ORDER = {
    "serviceId": "pix",
    "payment": {"amount": 122.44, "currency": "BRL"},
    "customer": {
        "name": "Maria Souza",
        "email": "maria@example.com",
        "country": "BR",
        "tax_number": "06372771390",
    },
}
_PATIENCE_SECONDS = 30.0


@dataclass
class Shop:
    """Takes notifications on a port of its own."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def opened_shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            shop.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class House:
    """The running program, as its merchant, its payers and its operator see it."""

    program: Program
    client: httpx2.AsyncClient

    async def create(self, **changes: Any) -> dict[str, Any]:
        answer = await self.client.post("/api/payments", json=ORDER | changes)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()["payment"]
        return made

    async def status(self, payment: dict[str, Any]) -> str:
        answer = await self.client.get(f"/api/payments/{payment['id']}")
        word: str = answer.json()["payment"]["status"]
        return word

    async def becomes(self, payment: dict[str, Any], word: str) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await self.status(payment) != word:
                await asyncio.sleep(0.05)

    async def psp(self, name: str, **asked: Any) -> Any:
        """One call of the simulator's control API."""
        path = f"/simulators/pix/_control/{name}"
        if name == "state":
            answer = await self.client.get(path)
        else:
            answer = await self.client.post(path, json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def pay(self, payment: dict[str, Any], **asked: Any) -> None:
        await self.psp("pay", code=payment["qr_code"], **asked)

    def command(self, *arguments: str) -> str:
        done = guichet(*arguments, data_dir=self.program.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("var")
    with running("run", data_dir=folder, reconcile_seconds=1) as program:
        await program.until_healthy()
        async with httpx2.AsyncClient(
            base_url=program.url,
            headers=DEMO,
            trust_env=False,
            event_hooks=judging_hooks(),
        ) as client:
            yield House(program, client)


async def test_a_code_is_paid_told_by_mutual_tls_and_announced(house: House) -> None:
    with opened_shop() as shop:
        payment = await house.create(callback_url=shop.url)
        assert payment["qr_code"].startswith("000201")
        assert await house.status(payment) != "completed"

        await house.pay(payment)

        await house.becomes(payment, "completed")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not shop.heard:
                await asyncio.sleep(0.05)
    headers, body = shop.heard[0]
    Webhook(demo.WEBHOOK_SECRET).verify(body, headers)
    told = json.loads(body)["payment"]
    assert (told["id"], told["status"]) == (payment["id"], "completed")
    sent = (await house.psp("state"))["webhook"]["sent"]
    assert sent[-1]["answer"] == 200
    assert re.fullmatch(
        r"https://127\.0\.0\.1:\d+/notices/pix/sandbox/default/[A-Za-z0-9_-]{24}/pix",
        sent[-1]["url"],
    )
    assert "hold" in house.command("ledger", "audit")


async def test_a_refund_is_a_command_and_reaches_the_payer(house: House) -> None:
    payment = await house.create()
    await house.pay(payment)
    await house.becomes(payment, "completed")

    said = house.command("refund", "create", payment["id"], "--amount", "20.00")

    assert re.search(r"20\.00 BRL  (initiated|sent|completed)", said)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while "completed" not in house.command("refund", "list", payment["id"]):
            await asyncio.sleep(0.1)
    rest = guichet(
        "refund", "create", payment["id"], "--amount", "102.45", data_dir=house.program.folder
    )
    assert rest.returncode == 1
    assert "102.44 BRL of the payment can be refunded" in rest.stderr
    row = (await house.psp("state"))["payments"][-1]
    assert (row["amount"], row["returned"]) == ("122.44", "20.00")
    assert "hold" in house.command("ledger", "audit")


async def test_a_payment_whose_notice_is_lost_is_found_all_the_same(house: House) -> None:
    payment = await house.create()

    await house.pay(payment, scenario="silent")

    await house.becomes(payment, "completed")


async def test_money_that_a_bank_claims_back_is_found_by_reconciliation(house: House) -> None:
    payment = await house.create()
    await house.pay(payment, scenario="silent")
    await house.becomes(payment, "completed")
    paid = (await house.psp("state"))["payments"][-1]

    await house.psp("med", endToEndId=paid["endToEndId"])

    await house.becomes(payment, "failed")  # Neopay's word for what was taken back
    assert "hold" in house.command("ledger", "audit")


async def test_the_wallet_is_there_and_says_what_it_is(house: House) -> None:
    page = await house.client.get("/simulators/pix/", follow_redirects=True)

    assert page.status_code == 200
    assert "simul" in page.text.lower()


async def test_the_doctor_finds_nothing_wrong(house: House) -> None:
    assert house.command("doctor") == "Nothing is wrong.\n"


async def test_a_second_start_uses_the_certificates_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "pix-simulator"
    made: list[dict[str, bytes]] = []
    for _ in range(2):
        with running("run", data_dir=tmp_path) as program:
            await program.until_healthy()
            state = (await program.get("/simulators/pix/_control/state")).json()
            assert state["receivers"][0]["webhookUrl"].startswith("https://127.0.0.1:")
            assert program.stop() == 0
            said = program.output()
        made.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert f"Wallet     {program.url}/simulators/pix" in said
    assert made[0] == made[1]
    assert folder.stat().st_mode & 0o777 == 0o700
