"""``guichet webhook`` on deliveries that a worker really tried."""

from __future__ import annotations

import hmac
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import DatabaseUrls
from gateways import SECRET_KEY
from guichet.dialects.notchpay.ids import write_id
from guichet.domain.access import Application
from guichet.gateway import Gateway
from outbound.listeners import answer
from server.programs import guichet
from worker.endpoint_parts import deliver_due, endpoint_at, told
from worker.parts import receiving, rows


def command(urls: DatabaseUrls, *arguments: str) -> subprocess.CompletedProcess[str]:
    return guichet(
        *arguments,
        database_url=urls.serving_url,
        owner_database_url=urls.owner_url,
        secret_keys=SECRET_KEY,
    )


async def delivery_rows(gateway: Gateway) -> list[dict[str, Any]]:
    return await rows(gateway, "SELECT * FROM webhook_deliveries ORDER BY created_at, id")


async def test_the_log_shows_each_try_and_its_answer(
    gateway: Gateway, shop: Application, database_urls: DatabaseUrls
) -> None:
    async with receiving(answer("500 Oops", body=b"no\n room")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        await deliver_due(gateway)
        url = receiver.url
        (sent,) = receiver.received
    shown_id = write_id("endpoint", "sandbox", made.endpoint.id)

    said = command(database_urls, "webhook", "deliveries", shown_id, "--bodies").stdout

    (row,) = await delivery_rows(gateway)
    assert said.startswith(f"{row['id']}  ")
    assert "customer.created  pending, again at " in said
    assert f"POST {url}  event {row['event_id']}" in said
    assert sent.body.decode() in said
    assert re.search(r"500 \(\d+ ms\)  no room\n", said)


async def test_the_log_of_an_unknown_endpoint_is_an_error(database_urls: DatabaseUrls) -> None:
    said = command(database_urls, "webhook", "deliveries", "ep.test_x")

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "guichet: no endpoint ep.test_x\n"


async def test_one_delivery_is_sent_again_with_the_same_id_and_bytes(
    gateway: Gateway, shop: Application, database_urls: DatabaseUrls
) -> None:
    async with receiving() as receiver:
        await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        assert await deliver_due(gateway) == ["delivered"]
        (row,) = await delivery_rows(gateway)

        said = command(database_urls, "webhook", "redeliver", str(row["id"]))
        assert said.stdout == "due now: 1\n", said.stderr
        assert await deliver_due(gateway) == ["delivered"]

        first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_all_that_failed_in_a_range_is_sent_again(
    gateway: Gateway, shop: Application, database_urls: DatabaseUrls
) -> None:
    async with receiving(answer("410 Gone")) as receiver:
        await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        await told(gateway, shop)
        assert await deliver_due(gateway) == ["discarded", "discarded"]
        await rows(gateway, "UPDATE webhook_endpoints SET active = true")
        receiver.handler = answer()
        old, _ = await delivery_rows(gateway)
        await rows(
            gateway,
            "UPDATE webhook_deliveries SET created_at = created_at - interval '2 days'"
            " WHERE id = $1",
            old["id"],
        )

        said = command(database_urls, "webhook", "redeliver", "--failed")
        assert said.stdout == "due now: 1\n", said.stderr
        assert await deliver_due(gateway) == ["delivered"]
        assert command(database_urls, "webhook", "redeliver", "--failed").stdout == "due now: 0\n"

        since = f"{gateway.clock.now() - timedelta(days=3):%Y-%m-%dT%H:%M:%S}"
        said = command(database_urls, "webhook", "redeliver", "--failed", "--since", since)
        assert said.stdout == "due now: 1\n", said.stderr
        assert await deliver_due(gateway) == ["delivered"]


async def test_a_redelivery_names_one_or_a_range(database_urls: DatabaseUrls) -> None:
    said = command(database_urls, "webhook", "redeliver")

    assert said.returncode == 1
    assert "name one, or say --failed" in said.stderr


async def test_a_secret_is_rotated_and_the_old_one_kept_for_a_while(
    gateway: Gateway, shop: Application, database_urls: DatabaseUrls
) -> None:
    made = await endpoint_at(gateway, shop, "http://127.0.0.1:9/")

    said = command(database_urls, "webhook", "rotate", str(made.endpoint.id)).stdout.strip()

    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", said)
    assert said != made.secret
    (row,) = await rows(gateway, "SELECT * FROM webhook_endpoints")
    assert row["former_secret"] == made.endpoint.secret
    left = row["former_secret_until"] - gateway.clock.now()
    assert timedelta(hours=23) < left <= timedelta(hours=24)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b'{"a": 1}', 0, "x-notch-signature: right: made with secret 1\n"),
        (b'{"a": 2}', 1, "byte 6 is 0x32 '2' where 0x31 '1' was signed\n"),
    ],
)
def test_a_signature_is_judged_without_a_database(
    tmp_path: Path, body: bytes, code: int, words: str
) -> None:
    signature = hmac.digest(b"hsk_test.x", b'{"a": 1}', "sha256").hex()
    secret, headers, content = (tmp_path / name for name in ("secret", "headers", "body"))
    secret.write_text("hsk_test.x\n")
    headers.write_text(f"POST / HTTP/1.1\nContent-Type: text\nx-notch-signature: {signature}\n")
    content.write_bytes(body)

    said = guichet(
        "webhook", "verify", "--secret-file", str(secret), "--headers-file", str(headers),
        "--body-file", str(content),
    )  # fmt: skip

    assert (said.returncode, said.stderr) == (code, "")
    assert said.stdout.endswith(words)
