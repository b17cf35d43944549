from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import pytest

from guichet.domain.clock import MovableClock
from guichet.domain.outcomes import TakenBack
from guichet.gateway import Gateway
from guichet.services.deliveries import LOST, deliver
from guichet.services.settlement import record_outcome
from guichet.store.queue import ClaimedDelivery, claim_deliveries
from outbound.listeners import Handler, Writer, answer, listening
from worker.conftest import NewApplication
from worker.parts import Receiver, attempt_of, completed_payment, hang, receiving, rows


async def claim(gateway: Gateway, lease_seconds: float = 60) -> list[ClaimedDelivery]:
    return await claim_deliveries(gateway.database, gateway.clock.now(), 100, lease_seconds)


async def deliver_due(gateway: Gateway) -> list[str]:
    return [await deliver(gateway, claimed) for claimed in await claim(gateway)]


async def delivery(gateway: Gateway) -> dict[str, Any]:
    (row,) = await rows(gateway, "SELECT * FROM webhook_deliveries")
    return row


async def tries(gateway: Gateway) -> Sequence[dict[str, Any]]:
    return await rows(gateway, "SELECT * FROM webhook_tries ORDER BY number")


async def told_once(gateway: Gateway, application_id: UUID, handler: Handler) -> dict[str, Any]:
    """The only try of a notification to a receiver that answers so."""
    async with receiving(handler) as receiver:
        await completed_payment(gateway, application_id, receiver.url)
        await deliver_due(gateway)
    (row,) = await tries(gateway)
    return row


async def test_a_taken_notification_is_delivered_and_its_try_recorded(
    gateway: Gateway, application_id: UUID, receiver: Receiver
) -> None:
    await completed_payment(gateway, application_id, receiver.url)

    assert await deliver_due(gateway) == ["delivered"]

    row = await delivery(gateway)
    assert (row["status"], row["tries"], row["next_attempt_at"]) == ("delivered", 1, None)
    assert row["finished_at"] is not None
    assert row["claimed_until"] is None
    (sent,) = await tries(gateway)
    assert (sent["number"], sent["status_code"], sent["answer"], sent["error"]) == (
        1,
        200,
        "ok",
        None,
    )


async def test_the_notification_is_signed_and_shows_the_payment(
    gateway: Gateway, application_id: UUID, receiver: Receiver
) -> None:
    payment = await completed_payment(gateway, application_id, receiver.url)

    await deliver_due(gateway)

    (received,) = receiver.received
    received.verify()
    assert received.payment["id"] == str(payment.id)
    assert received.payment["status"] == "completed"


async def test_a_wrong_secret_does_not_verify(
    gateway: Gateway, application_id: UUID, receiver: Receiver
) -> None:
    await completed_payment(gateway, application_id, receiver.url)

    await deliver_due(gateway)

    with pytest.raises(Exception, match="No matching signature"):
        receiver.received[0].verify(b"another secret")


async def test_retries_keep_body_and_id_and_renew_the_timestamp(
    gateway: Gateway, application_id: UUID, clock: MovableClock
) -> None:
    async with receiving(answer("500 Oops")) as receiver:
        await completed_payment(gateway, application_id, receiver.url)
        assert await deliver_due(gateway) == ["pending"]
        # The world moves on; what is told does not.
        await rows(gateway, "UPDATE payments SET reference = 'changed'")
        clock.move(timedelta(seconds=6))
        receiver.handler = answer()
        assert await deliver_due(gateway) == ["delivered"]

        first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    waited = int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"])
    assert 6 <= waited <= 60
    first.verify()
    second.verify()


async def test_each_event_is_told_as_it_was(
    gateway: Gateway, application_id: UUID, receiver: Receiver
) -> None:
    payment = await completed_payment(gateway, application_id, receiver.url)
    attempt = await attempt_of(gateway, payment)
    await record_outcome(gateway, attempt.id, TakenBack(code="AC06"))

    await deliver_due(gateway)

    statuses = sorted(received.payment["status"] for received in receiver.received)
    assert statuses == ["completed", "failed"]
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 2


async def test_a_failed_try_is_repeated_after_five_seconds_and_no_sooner(
    gateway: Gateway, application_id: UUID, clock: MovableClock
) -> None:
    await told_once(gateway, application_id, answer("503 Busy"))

    row = await delivery(gateway)
    wait = row["next_attempt_at"] - (await tries(gateway))[0]["sent_at"]
    assert timedelta(seconds=5) <= wait < timedelta(seconds=60)
    assert row["status"] == "pending"
    assert await claim(gateway) == []
    clock.move(wait)
    assert len(await claim(gateway)) == 1


async def test_retry_after_in_seconds_is_honoured(gateway: Gateway, application_id: UUID) -> None:
    sent = await told_once(
        gateway, application_id, answer("429 Too Many", headers="Retry-After: 3600\r\n")
    )

    wait = (await delivery(gateway))["next_attempt_at"] - sent["sent_at"]
    assert timedelta(hours=1) <= wait < timedelta(minutes=61)


async def test_retry_after_as_a_date_is_honoured(gateway: Gateway, application_id: UUID) -> None:
    date = gateway.clock.now().replace(microsecond=0) + timedelta(hours=3)
    header = f"Retry-After: {format_datetime(date, usegmt=True)}\r\n"

    await told_once(gateway, application_id, answer("503 Busy", headers=header))

    off = (await delivery(gateway))["next_attempt_at"] - date
    assert abs(off) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "text", [b"soon", b"-1", b"\xb2", "٣٦٠٠".encode(), b"Fri, 99 Nov 2026 00:00:00 GMT", b"1e9"]
)
async def test_a_retry_after_that_means_nothing_changes_nothing(
    gateway: Gateway, application_id: UUID, text: bytes
) -> None:
    async def handler(_request: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\nretry-after: " + text)
        writer.write(b"\r\ncontent-length: 0\r\n\r\n")

    sent = await told_once(gateway, application_id, handler)

    wait = (await delivery(gateway))["next_attempt_at"] - sent["sent_at"]
    assert timedelta(seconds=5) <= wait < timedelta(seconds=60)


async def test_a_receiver_that_is_gone_is_told_no_more(
    gateway: Gateway, application_id: UUID, clock: MovableClock
) -> None:
    sent = await told_once(gateway, application_id, answer("410 Gone"))

    assert sent["status_code"] == 410
    assert (await delivery(gateway))["status"] == "discarded"
    clock.move(timedelta(days=30))
    assert await claim(gateway) == []


async def test_a_redirect_is_a_failure_and_is_not_followed(
    gateway: Gateway, application_id: UUID
) -> None:
    async with listening(answer()) as canary:
        header = f"Location: {canary.url}/elsewhere\r\n"
        sent = await told_once(gateway, application_id, answer("302 Found", headers=header))

    assert canary.connections == 0
    assert sent["status_code"] == 302
    assert (await delivery(gateway))["status"] == "pending"


async def test_a_receiver_that_says_nothing_is_cut_off(
    gateway: Gateway, application_id: UUID
) -> None:
    gateway.settings = replace(gateway.settings, webhook_timeout_seconds=0.2)

    sent = await told_once(gateway, application_id, hang)

    assert (sent["status_code"], sent["error"]) == (None, "no answer in time")
    assert sent["duration_ms"] >= 200
    assert (await delivery(gateway))["status"] == "pending"


async def test_a_receiver_that_drips_is_cut_off(gateway: Gateway, application_id: UUID) -> None:
    async def drip(request: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx")
        await writer.drain()
        await hang(request, writer)

    gateway.settings = replace(gateway.settings, webhook_timeout_seconds=0.2)

    sent = await told_once(gateway, application_id, drip)

    assert sent["error"] == "no answer in time"
    assert (await delivery(gateway))["status"] == "pending"


async def test_an_endless_answer_is_cut_and_its_beginning_kept(
    gateway: Gateway, application_id: UUID
) -> None:
    async def pour(_request: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write("é".encode() * 50_000)
            await writer.drain()

    sent = await told_once(gateway, application_id, pour)

    assert sent["answer"] == "é" * 1000
    assert (await delivery(gateway))["status"] == "delivered"


async def test_an_answer_of_any_bytes_can_be_kept(gateway: Gateway, application_id: UUID) -> None:
    sent = await told_once(gateway, application_id, answer(body=b"a\x00b\xff\xfec"))

    assert sent["answer"] == "a\N{REPLACEMENT CHARACTER}b" + "\N{REPLACEMENT CHARACTER}" * 2 + "c"


async def test_the_error_of_a_closed_port_tells_nothing_about_it(
    gateway: Gateway, application_id: UUID
) -> None:
    async with listening(answer()) as closed:
        pass
    await completed_payment(gateway, application_id, f"{closed.url}/secret-path")

    await deliver_due(gateway)

    (sent,) = await tries(gateway)
    assert sent["error"] == "no connection"
    assert sent["status_code"] is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_live_notifications_do_not_go_to_private_addresses(
    gateway: Gateway, new_application: NewApplication, host: str
) -> None:
    application_id = await new_application(environment="live")
    async with listening(answer()) as canary:
        for scheme in ("http", "https"):
            await completed_payment(gateway, application_id, f"{scheme}://{host}:{canary.port}/")

        assert await deliver_due(gateway) == ["pending", "pending"]

        assert canary.connections == 0
    assert all(sent["status_code"] is None for sent in await tries(gateway))


async def test_the_last_failed_try_exhausts_it(
    gateway: Gateway, application_id: UUID, clock: MovableClock
) -> None:
    async with receiving(answer("500 Oops")) as receiver:
        await completed_payment(gateway, application_id, receiver.url)
        outcomes = []
        for _ in range(10):
            outcomes += await deliver_due(gateway)
            clock.move(timedelta(hours=30))

        assert outcomes == ["pending"] * 9 + ["exhausted"]
        assert len(receiver.received) == 10
    assert len(await tries(gateway)) == 10
    assert await claim(gateway) == []
    assert (await delivery(gateway))["finished_at"] is not None


async def test_who_lost_the_lease_before_sending_sends_nothing(
    gateway: Gateway, application_id: UUID, receiver: Receiver
) -> None:
    await completed_payment(gateway, application_id, receiver.url)
    (lost,) = await claim(gateway, lease_seconds=0)
    (held,) = await claim(gateway)

    assert await deliver(gateway, lost) == LOST
    assert receiver.received == []
    assert await deliver(gateway, held) == "delivered"


async def test_who_lost_the_lease_while_sending_records_nothing(
    gateway: Gateway, application_id: UUID
) -> None:
    taken_over: list[ClaimedDelivery] = []

    async def slow(_request: bytes, writer: Writer) -> None:
        taken_over.extend(await claim(gateway))
        writer.write(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")

    async with receiving(slow) as receiver:
        await completed_payment(gateway, application_id, receiver.url)
        (lost,) = await claim(gateway, lease_seconds=0)

        assert await deliver(gateway, lost) == LOST

        assert (await delivery(gateway))["tries"] == 0
        assert await tries(gateway) == []
        receiver.handler = answer()
        assert await deliver(gateway, taken_over[0]) == "delivered"
