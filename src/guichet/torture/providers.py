"""The providers: simulators as processes of their own, their books the truth about money."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from cryptography import x509

from guichet.embedded.children import die_with_parent
from guichet.simulators.pix.app import CLIENT_ID, CLIENT_SECRET, KEY
from guichet.simulators.pix.certificates import Certificates, make_certificates
from guichet.torture.programs import environment

CREDENTIALS = ("torture", "torture-secret")
AGGREGATOR_CREDENTIALS = ("pk_test.torture", "sk_test.torture", "hsk_test.torture")
OPERATOR_CREDENTIALS = ("torture", "torture-secret", "torture-key")
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Simulator:
    """Decides at the simulator's banks and reads its book."""

    def __init__(self, url: str, client: httpx2.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def decide(self, decision: str, **asked: str) -> dict[str, Any]:
        """A decision of a payer (``consent=…``) or of a bank (``payment=…``)."""
        return await self.control("decide", decision=decision, **asked)

    async def control(self, name: str, **asked: Any) -> dict[str, Any]:
        answer = await self._client.post(f"/_control/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return _read(answer)

    async def clear_faults(self) -> dict[str, Any]:
        """Nothing goes wrong any more; answers the faults that are left."""
        return _read(await self._client.delete("/_control/faults"))

    async def state(self) -> dict[str, Any]:
        """The book: ``consents`` and ``payments``, amounts as texts."""
        return _read(await self._client.get("/_control/state"))

    async def orders(self) -> list[dict[str, Any]]:
        """The book's payments: our name of each, and what moved (``moved``, ``movements``)."""
        payments: list[dict[str, Any]] = (await self.state())["payments"]
        return [{"kind": "collect", "rail": "open_banking", **each} for each in payments]


class PixSimulator(Simulator):
    """The same of the simulated PSP, whose API has a port and certificates of its own."""

    def __init__(
        self, url: str, client: httpx2.AsyncClient, tls_port: int, certificates: Certificates
    ) -> None:
        super().__init__(url, client)
        self.certificates = certificates
        self.api_url = f"https://127.0.0.1:{tls_port}"

    @property
    def account(self) -> dict[str, str]:
        """The settings that make it the sandbox's PSP, by their names in ``Settings``."""
        psp = x509.load_pem_x509_certificate(self.certificates.psp.certificate.read_bytes())
        return {
            "pix_sandbox_url": f"{self.api_url}/v2",
            "pix_sandbox_token_url": f"{self.api_url}/oauth/token",
            "pix_sandbox_client_id": CLIENT_ID,
            "pix_sandbox_client_secret": CLIENT_SECRET,
            "pix_sandbox_pix_key": KEY,
            "pix_sandbox_city": "SAO PAULO",
            "pix_sandbox_certificate": str(self.certificates.gateway.certificate),
            "pix_sandbox_private_key": str(self.certificates.gateway.key),
            "pix_sandbox_ca": str(self.certificates.authority),
            "pix_sandbox_webhook_subject": psp.subject.rfc4514_string(),
        }

    @property
    def notices(self) -> dict[str, str]:
        """The settings that make a server take notices by mutual TLS from it, but the port."""
        return {
            "notices_tls_certificate": str(self.certificates.server.certificate),
            "notices_tls_key": str(self.certificates.server.key),
            "notices_tls_ca": str(self.certificates.authority),
        }

    async def orders(self) -> list[dict[str, Any]]:
        """The book of charges in the shape of the other simulator's ``payments``.

        ``moved`` is what came less what was taken or given back.
        """
        state = await self.state()
        payments = {each["endToEndId"]: each for each in state["payments"]}
        return [_order(charge, payments) for charge in state["charges"]]


def _order(charge: dict[str, Any], payments: dict[str, Any]) -> dict[str, Any]:
    paid = [payments[name] for name in charge["payments"]]
    moved = sum(Decimal(each["amount"]) - Decimal(each["returned"]) for each in paid)
    return {
        "paymentIdempotencyId": charge["txid"],
        "kind": "collect",
        "rail": "pix",
        "asked": charge["amount"],
        "moved": str(moved),
        "currency": "BRL",
        "movements": [{"amount": each["amount"]} for each in paid],
        "status": charge["status"],
    }


class OperatorSimulator(Simulator):
    """The same of the simulated operators of mobile money."""

    @property
    def account(self) -> dict[str, str]:
        """The settings that make MTN the sandbox's, by their names in ``Settings``."""
        user, secret, key = OPERATOR_CREDENTIALS
        return {
            "mtn_sandbox_url": f"{self.url}/mtn",
            "mtn_sandbox_subscription_key": key,
            "mtn_sandbox_api_user": user,
            "mtn_sandbox_api_key": secret,
        }

    @property
    def settings_file(self) -> str:
        """An account at Orange, as ``guichet mobile-money connect gsma`` reads it."""
        user, secret, key = OPERATOR_CREDENTIALS
        return (
            f"base_url = {self.url}/gsma/cm.orange\nclient_id = {user}\nclient_secret = {secret}\n"
            f"api_key = {key}\ncurrency = XAF\ncallbacks = on\n"
        )

    async def orders(self) -> list[dict[str, Any]]:
        """The book of requests in the shape of the other simulator's ``payments``.

        What goes out (``kind`` ``disburse`` and ``refund``) has moved in the other direction.
        """
        return [
            {
                "paymentIdempotencyId": UUID(each["key"]).hex,
                "kind": each["kind"],
                "rail": "mtn" if each["operator"].endswith(".mtn") else "gsma",
                "moved": str(abs(Decimal(each["moved"]))),
                "currency": each["currency"],
                "movements": each["movements"],
                "status": each["status"],
            }
            for each in (await self.state())["requests"]
        ]


class AggregatorSimulator(Simulator):
    """The same of Notch Pay, as a provider of other merchants' gateways."""

    @property
    def settings_file(self) -> str:
        """An account there, as ``guichet mobile-money connect notchpay`` reads it."""
        public_key, private_key, hash_key = AGGREGATOR_CREDENTIALS
        return (
            f"base_url = {self.url}\npublic_key = {public_key}\nprivate_key = {private_key}\n"
            f"hash_key = {hash_key}\n"
        )

    async def orders(self) -> list[dict[str, Any]]:
        """The book in the shape of the other simulators'."""
        return [
            {
                "paymentIdempotencyId": UUID(each["merchant_reference"]).hex,
                "kind": {"payment": "collect", "transfer": "disburse"}[each["kind"]],
                "rail": "notchpay",
                "moved": str(abs(Decimal(each["moved"]))),
                "currency": each["currency"],
                "movements": each["movements"],
                "status": each["status"],
            }
            for each in (await self.state())["orders"]
        ]


@asynccontextmanager
async def simulating(log: Path) -> AsyncIterator[Simulator]:
    """A simulator with an empty book, until the end of the block."""
    port = free_port()
    command = ["guichet.simulators.yapily", f"--port={port}"]
    command += [f"--application-id={CREDENTIALS[0]}", f"--application-secret={CREDENTIALS[1]}"]
    url = f"http://127.0.0.1:{port}"
    async with _running(command, url, log) as client:
        yield Simulator(url, client)


@asynccontextmanager
async def simulating_pix(folder: Path) -> AsyncIterator[PixSimulator]:
    """A simulated PSP with an empty book and certificates in ``folder``."""
    port, tls_port = free_port(), free_port()
    certificates = make_certificates(folder)
    command = ["guichet.simulators.pix", f"--port={port}", f"--tls-port={tls_port}"]
    command += [f"--certificates={folder}"]
    url = f"http://127.0.0.1:{port}"
    async with _running(command, url, folder / "log") as client:
        yield PixSimulator(url, client, tls_port, certificates)


@asynccontextmanager
async def simulating_operators(log: Path) -> AsyncIterator[OperatorSimulator]:
    """Simulated operators with an empty book, until the end of the block."""
    port = free_port()
    user, secret, key = OPERATOR_CREDENTIALS
    command = ["guichet.simulators.operator", f"--port={port}", f"--user={user}"]
    command += [f"--secret={secret}", f"--key={key}"]
    url = f"http://127.0.0.1:{port}"
    async with _running(command, url, log) as client:
        yield OperatorSimulator(url, client)


@asynccontextmanager
async def simulating_aggregator(log: Path) -> AsyncIterator[AggregatorSimulator]:
    """A simulated Notch Pay with an empty book, until the end of the block."""
    port = free_port()
    public_key, private_key, hash_key = AGGREGATOR_CREDENTIALS
    command = ["guichet.simulators.notchpay", f"--port={port}", f"--public-key={public_key}"]
    command += [f"--private-key={private_key}", f"--hash-key={hash_key}"]
    url = f"http://127.0.0.1:{port}"
    async with _running(command, url, log) as client:
        yield AggregatorSimulator(url, client)


@asynccontextmanager
async def _running(command: list[str], url: str, log: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A simulator's process, until the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=output,
            stderr=output,
            env=environment(),
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call of libc
        )
    try:
        # No connection is kept: one that the simulator closes meanwhile would fail the next call.
        limits = httpx2.Limits(max_keepalive_connections=0)
        async with httpx2.AsyncClient(
            base_url=url, trust_env=False, timeout=20, limits=limits
        ) as client:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not await _answers(client):
                    assert process.poll() is None, log.read_text()
                    await asyncio.sleep(_PAUSE_SECONDS)
            yield client
    finally:
        process.kill()
        process.wait()


async def _answers(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/_control/state")).status_code == 200
    except httpx2.TransportError:
        return False


def _read(answer: httpx2.Response) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    return content
