"""Twelve secrets and more are planted, everything is made to fail, and none is found (G14).

Looked through: every log line at the lowest level with its tracebacks, every answer with its
headers, pages, bodies told to receivers, command lines of every process, and a dump of the
database as text, with the bytes of its columns.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, TOKEN, caller_of, running_gateway, seed
from guichet import logs
from guichet.dialects.neopay.app import build_app
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Done, Outcome
from guichet.embedded import Endpoints
from guichet.embedded.programs import program
from guichet.gateway import Gateway
from guichet.pages.app import build_app as build_pages
from guichet.rails.registry import Registry
from guichet.services.administration import connect_account
from guichet.services.attempts import provider_account
from guichet.services.checkout import start_attempt
from guichet.services.endpoints import NewEndpoint, create_endpoint
from guichet.services.payments import checkout_url
from guichet.services.settlement import record_outcome
from guichet.settings import Settings
from guichet.store import payments as payment_store
from guichet.store.queue import Queue
from guichet.vault import Vault, generate_key
from guichet.worker.lanes import Work
from guichet.worker.loop import Worker
from outbound.listeners import answer
from pages.scripted import ScriptedRail, scripted_bank
from wire.client import Client
from worker.endpoint_parts import deliver_due
from worker.parts import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PAYMENT = {
    "serviceId": "api", "institutionId": 20, "payment": {"amount": 1.5, "currency": "GBP"},
    "customer": {"email": "a@example.com", "country": "GB"}, "reference": "r",
}  # fmt: skip
_PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nplantedpemplantedpem\n-----END PRIVATE KEY-----\n"
#: Settings that hold secrets, and what is planted in each.
_SETTINGS: dict[str, Any] = {
    "yapily_sandbox_secret": "planted-yapily-secret",
    "yapily_webhook_secret": "planted-yapily-webhooks",
    "pix_sandbox_client_secret": "planted-pix-secret",
    "mtn_sandbox_subscription_key": "planted-mtn-subscription",
    "mtn_sandbox_api_key": "planted-mtn-api-key",
    "gsma_sandbox_client_secret": "planted-gsma-secret",
    "gsma_sandbox_api_key": "planted-gsma-api-key",
    "notchpay_sandbox_private_key": "sk_test.planted-aggregator",
    "notchpay_sandbox_hash_key": "hsk_test.planted-aggregator",
    "metrics_token": "planted-metrics-token",
}
_CALLBACK_SECRET = "whsec_cGxhbnRlZCBjYWxsYmFja3M="
_ACCOUNT = {"client_secret": "planted-account-secret", "private_key": _PRIVATE_KEY}


@dataclass
class Scene:
    """A gateway with secrets planted, and everything that anybody may see of it."""

    gateway: Gateway
    urls: DatabaseUrls
    secrets: dict[str, str]
    log: io.StringIO
    seen: dict[str, list[str]] = field(default_factory=dict)

    def note(self, place: str, *texts: str) -> None:
        self.seen.setdefault(place, []).extend(texts)

    def hits(self) -> set[tuple[str, str]]:
        """(secret, place) of everything that is to be read."""
        seen = {**self.seen, "log": [self.log.getvalue()]}
        return {
            (name, place)
            for place, texts in seen.items()
            for name, secret in self.secrets.items()
            for form in _forms(secret)
            if any(form in text for text in texts)
        }


def _forms(secret: str) -> Iterator[str]:
    """A secret as it may be written; of one with lines, each of them."""
    for line in secret.split("\n"):
        if line and not line.startswith("-----"):
            yield line
            yield line.encode().hex()
            yield base64.b64encode(line.encode()).decode().rstrip("=")


class _Leaky(ScriptedRail):
    """A connector with a defect: it fails with what it knows."""

    secrets = ""

    async def begin(self, order: CollectOrder) -> Outcome:
        raise RuntimeError(f"cannot begin {order.key} with {self.secrets}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(cluster_endpoints: Endpoints) -> AsyncIterator[Scene]:
    log, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stderr", log)
        logs.configure("debug")
    key = generate_key()
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        planted: dict[str, Any] = {"secret_keys": key, "database_url": urls.serving_url}
        settings = Settings(**planted, **_SETTINGS)
        await _reseal(urls, key)
        async with running_gateway(urls.serving_url, settings, secret_keys=key) as gateway:
            made = Scene(gateway, urls, await _plant(gateway, urls, key), log)
            yield made
    root.handlers[:] = handlers
    root.setLevel(level)


async def _reseal(urls: DatabaseUrls, key: str) -> None:
    owner = await asyncpg.connect(urls.owner_url)
    secret = Vault([key]).seal(_CALLBACK_SECRET.encode())
    await owner.execute("UPDATE applications SET webhook_secret = $1", secret)
    await owner.close()


async def _plant(gateway: Gateway, urls: DatabaseUrls, key: str) -> dict[str, str]:
    owner = await asyncpg.connect(urls.owner_url)
    now = gateway.clock.now()
    account_id = await connect_account(owner, gateway.vault, APPLICATION_ID, "mtn", _ACCOUNT, now)
    await owner.close()
    await gateway.access.refresh()
    provider_account(gateway, account_id)
    application = caller_of(gateway).application
    endpoint = await create_endpoint(
        gateway, application, NewEndpoint("http://127.0.0.1:9/hooks", ("*",), ("*",))
    )
    return {
        **_SETTINGS,
        "account's secret": _ACCOUNT["client_secret"],
        "account's private key": _PRIVATE_KEY,
        "API key": TOKEN,
        "vault's key": key,
        "database's password": urlsplit(urls.serving_url).password or "",
        "callback secret": _CALLBACK_SECRET,
        "endpoint's secret": endpoint.secret,
    }


async def _make_it_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every way that something can be told, with every secret in the error."""
    gateway, everything = scene.gateway, " ".join(scene.secrets.values())
    headers = {"authorization": TOKEN, "x-app-key": str(APPLICATION_ID)}
    client = Client(build_app(gateway), headers)
    rail = _Leaky(scripted_bank().card, scripted_bank().answer)  # type: ignore[arg-type]
    rail.secrets = everything
    gateway.rails = Registry({("open_banking", "sandbox"): rail})

    async with receiving(answer("500 Oops")) as receiver:
        body = {**_PAYMENT, "callback_url": receiver.url}
        made = await client.post("/api/payments", body)
        assert made.status == 200, made.body
        payment_id = UUID(json.loads(made.body)["payment"]["id"])
        token = checkout_url(gateway, payment_id).rpartition("/")[2]
        begun = await start_attempt(gateway, payment_id, token, None)
        assert begun.attempt is not None
        paid = Done(received=Money(150, "GBP"))
        await record_outcome(gateway, begun.attempt.id, paid)
        pages = Client(build_pages(gateway))
        shown = [
            await pages.get(f"/pay/{payment_id.hex}/{token}"),
            await pages.get(f"/pay/{payment_id.hex}/wrong"),
            await client.with_headers(authorization="np_test.wrong").get("/api/payments"),
            await client.get("/api/nowhere"),
        ]
        await deliver_due(gateway)
        scene.note("events", *(each.body.decode() for each in receiver.received))

    async def fail(*_: object) -> None:
        raise RuntimeError(f"defect: {everything}")

    with monkeypatch.context() as patched:
        patched.setattr(payment_store, "create", fail)
        patched.setattr(payment_store, "read_many", fail)
        shown += [
            await client.post("/api/payments", _PAYMENT),
            await client.get(f"/api/payments/{payment_id}"),
        ]
    assert [each.status for each in shown[-2:]] == [500, 500]
    await _fail_in_worker(gateway, everything)
    for each in shown:
        scene.note("answers", each.body.decode(), str(each.headers))
    # The page's own address is told to who may see it: its page, its merchant.
    scene.secrets["page's token"] = token
    scene.seen["answers"] = [text.replace(token, "") for text in scene.seen["answers"]]
    scene.seen["events"] = [text.replace(token, "") for text in scene.seen["events"]]


async def _fail_in_worker(gateway: Gateway, everything: str) -> None:
    pieces = [1]

    async def claim(_: Gateway, _limit: int) -> list[int]:
        return [pieces.pop()] if pieces else []

    async def fail(_: Gateway, _piece: int) -> str:
        done.set()
        raise RuntimeError(f"defect: {everything}")

    done = asyncio.Event()
    worker = Worker(gateway, [Work(Queue.CHECKS, 1, claim, fail)])
    running = asyncio.create_task(worker.run())
    await done.wait()
    await worker.stop()
    await running


def _command_lines() -> list[str]:
    lines = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return lines


def _dump(urls: DatabaseUrls) -> str:
    parts = urlsplit(urls.superuser_url)
    environment = {"PGPASSWORD": parts.password or "", "PATH": os.defpath, "LC_ALL": "C"}
    address = urls.superuser_url.replace(f":{parts.password}@", "@")
    return subprocess.run(
        [program("pg_dump"), address], env=environment, capture_output=True, text=True, check=True
    ).stdout


async def test_no_secret_is_told_anywhere(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await _make_it_fail(scene, monkeypatch)
    scene.note("command lines", *_command_lines())
    scene.note("dump", await asyncio.to_thread(_dump, scene.urls))

    assert len(scene.secrets) >= 12
    assert scene.log.getvalue().count("Traceback") >= 4
    assert all(scene.seen.values())
    assert scene.hits() == set()


@pytest.mark.parametrize("place", ["log", "answers", "dump"])
async def test_search_for_secrets_has_teeth(scene: Scene, place: str) -> None:
    leak = Scene(scene.gateway, scene.urls, {"new": "planted-and-leaked"}, io.StringIO())
    if place == "log":
        leak.log.write("a careless line: planted-and-leaked")
    else:
        leak.note(place, b"planted-and-leaked".hex())

    assert leak.hits() == {("new", place)}


async def test_every_line_is_one_event(scene: Scene) -> None:
    before = len(scene.log.getvalue().splitlines())
    for text in ("a\nb", "a\r\nb", "a\u2028b", "a\x1b[2Jb", "a\x85b", "plain"):
        logging.getLogger("guichet.test").warning(text)
        logging.getLogger("guichet.test").warning("x", extra={"request_id": text})

    lines = scene.log.getvalue().splitlines()[before:]

    assert len(lines) == 12
    assert all(json.loads(line)["logger"] == "guichet.test" for line in lines)
