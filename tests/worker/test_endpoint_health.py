"""Endpoints that fail, recover and are given up, and who is told."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from guichet.dialects.notchpay.ids import write_id
from guichet.domain.access import Application
from guichet.domain.clock import MovableClock
from guichet.gateway import Gateway
from guichet.services.endpoints import (
    MadeEndpoint,
    change_endpoint,
    delete_endpoint,
    read_endpoint,
)
from outbound.listeners import answer
from worker.endpoint_parts import deliver_due, endpoint_at, told, told_names
from worker.parts import Receiver, receiving, rows


async def health(gateway: Gateway, shop: Application, made: MadeEndpoint) -> tuple[str, bool]:
    found = await read_endpoint(gateway, shop, made.endpoint.id)
    return found.health, found.active


async def endpoint_events(gateway: Gateway) -> list[str]:
    found = await rows(
        gateway, "SELECT type FROM events WHERE subject_type = 'endpoint' ORDER BY occurred_at, id"
    )
    return [row["type"] for row in found]


async def test_a_receiver_that_is_gone_is_switched_off_and_what_waits_is_dropped(
    gateway: Gateway, shop: Application
) -> None:
    async with receiving(answer("410 Gone")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        await told(gateway, shop)

        assert sorted(await deliver_due(gateway)) == ["discarded", "discarded"]
        await told(gateway, shop)
        assert await deliver_due(gateway) == []

    assert await health(gateway, shop, made) == ("disabled", False)
    assert await endpoint_events(gateway) == ["endpoint.disabled"]


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_what_waits_for_an_endpoint_that_is_off_is_dropped(
    gateway: Gateway, shop: Application, receiver: Receiver, is_deleted: bool
) -> None:
    made = await endpoint_at(gateway, shop, receiver.url)
    await told(gateway, shop)
    if is_deleted:
        await delete_endpoint(gateway, shop, made.endpoint.id)
    else:
        await change_endpoint(gateway, shop, made.endpoint.id, active=False)

    assert await deliver_due(gateway) == ["discarded"]

    assert receiver.received == []
    assert await rows(gateway, "SELECT * FROM webhook_tries") == []


async def test_an_endpoint_fails_once_and_recovers_and_the_others_are_told(
    gateway: Gateway, shop: Application, other_receiver: Receiver, clock: MovableClock
) -> None:
    watched = ("endpoint.failing", "endpoint.recovered")
    await endpoint_at(gateway, shop, other_receiver.url, *watched)
    async with receiving(answer("500 Oops")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        for _ in range(2):
            await told(gateway, shop)
            await deliver_due(gateway)
        assert await health(gateway, shop, made) == ("failing", True)
        receiver.handler = answer()
        clock.move(timedelta(hours=1))
        await deliver_due(gateway)
        assert await health(gateway, shop, made) == ("healthy", True)

        assert await told_names(gateway, other_receiver) == list(watched)
        data = json.loads(other_receiver.received[0].body)["data"]
        assert data["id"] == write_id("endpoint", "sandbox", made.endpoint.id)
        assert (data["health"], "secret" in data) == ("failing", False)
        assert "endpoint." not in b"".join(r.body for r in receiver.received).decode()


async def test_five_days_of_failure_alone_disable_an_endpoint(
    gateway: Gateway, shop: Application, clock: MovableClock
) -> None:
    async with receiving(answer("500 Oops")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        await deliver_due(gateway)
        clock.move(timedelta(days=4, hours=23))
        await told(gateway, shop)
        await deliver_due(gateway)
        assert await health(gateway, shop, made) == ("failing", True)
        clock.move(timedelta(hours=2))
        await told(gateway, shop)
        await deliver_due(gateway)
    assert await health(gateway, shop, made) == ("disabled", False)
    assert await endpoint_events(gateway) == ["endpoint.failing", "endpoint.disabled"]


async def test_a_success_starts_the_five_days_anew(
    gateway: Gateway, shop: Application, clock: MovableClock
) -> None:
    async with receiving(answer("500 Oops")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        for days, status in ((0, "500 Oops"), (3, "200 OK"), (1, "500 Oops"), (2, "500 Oops")):
            clock.move(timedelta(days=days))
            receiver.handler = answer(status)
            await told(gateway, shop)
            await deliver_due(gateway)
    assert await health(gateway, shop, made) == ("failing", True)


async def test_an_endpoint_that_is_switched_on_again_is_healthy(
    gateway: Gateway, shop: Application
) -> None:
    async with receiving(answer("410 Gone")) as receiver:
        made = await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        await deliver_due(gateway)

        await change_endpoint(gateway, shop, made.endpoint.id, active=True)
        assert await health(gateway, shop, made) == ("healthy", True)
        receiver.handler = answer()
        await told(gateway, shop)
        assert await deliver_due(gateway) == ["delivered"]
