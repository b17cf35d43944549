"""What the PSP's own list says happened: all of it, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Held, Notice
from guichet.rails.pix import statement
from guichet.rails.port import RailUnavailable
from rails.pix.scripted import page, problem, scripted
from rails.pix.stage import Stage, asked, begun, paid, refund_of

HOUR = timedelta(hours=1)


async def movements(stage: Stage, since: timedelta = HOUR) -> list[Notice]:
    now = stage.clock.now()
    return list(await stage.rail.movements(stage.account, now - since, now))


async def test_what_was_paid_is_named_by_charge_and_pix(stage: Stage) -> None:
    orders = [await paid(stage) for _ in range(2)]
    await begun(stage)
    assert await movements(stage) == [
        Notice(attempt_key=order.key, provider_reference=order.provider_reference)
        for order in orders
    ]


async def test_what_was_paid_before_is_not_named(stage: Stage) -> None:
    await paid(stage)
    await stage.move(2 * HOUR)
    assert await movements(stage) == []


async def test_what_was_taken_back_is_named_however_old_the_pix_is(stage: Stage) -> None:
    order = await paid(stage)
    await stage.move(timedelta(days=79))
    await stage.control("med", txid=order.key)
    assert await movements(stage) == [Notice(attempt_key=order.key)]
    await stage.move(2 * HOUR)
    assert await movements(stage) == []


async def test_what_we_gave_back_ourselves_is_no_news(stage: Stage) -> None:
    order = await paid(stage)
    await stage.move(2 * HOUR)
    await asked(stage, refund_of(order, 100), times=2)
    assert await movements(stage) == []


async def test_what_is_held_of_an_order_is_what_came_less_whatever_went_back(stage: Stage) -> None:
    order = await paid(stage)
    begun_at = stage.clock.now()
    held = await stage.rail.held(stage.account, order.key, begun_at)
    assert held == Held(Money(12_244, "BRL"), 0)
    await asked(stage, refund_of(order, 100), times=2)
    assert (await stage.rail.held(stage.account, order.key, begun_at)).returned_minor == 100
    await stage.control("med", txid=order.key)
    assert (await stage.rail.held(stage.account, order.key, begun_at)).returned_minor == 12_244


async def test_nothing_is_held_of_an_order_that_nobody_paid(stage: Stage) -> None:
    order = await begun(stage)
    held = await stage.rail.held(stage.account, order.key, stage.clock.now())
    assert held == Held(Money(0, "BRL"), 0)


async def test_every_page_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement, "_ITEMS_PER_PAGE", 2)
    orders = [await paid(stage) for _ in range(5)]
    assert [each.attempt_key for each in await movements(stage)] == [each.key for each in orders]
    assert (await stage.calls())["list_pix"] == 3 + 4  # three pages, four months of returns


@pytest.mark.parametrize("kind", ["drop", "error", "garble", "hide"])
@pytest.mark.parametrize("page", [0, 1])
async def test_a_list_that_is_not_whole_is_no_list(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str, page: int
) -> None:
    monkeypatch.setattr(statement, "_ITEMS_PER_PAGE", 1)
    for _ in range(2):
        await paid(stage)
    if page:
        await stage.fault("list_pix", "delay", seconds=0, when="before")
    await stage.fault("list_pix", kind)
    with pytest.raises(RailUnavailable):
        await movements(stage)


async def test_a_list_without_an_end_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "_ITEMS_PER_PAGE", 1)
    monkeypatch.setattr(statement, "_PAGES_MAX", 2)
    for _ in range(3):
        await paid(stage)
    with pytest.raises(RailUnavailable):
        await movements(stage)


async def test_a_psp_that_answers_for_a_few_days_is_asked_for_so_many() -> None:
    async with scripted() as script:
        script.answers["GET /v2/pix?"] = [page(), problem(400, "PixConsultaInvalida"), page()]
        now = script.clock.now()
        assert await script.rail.movements(script.account, now - HOUR, now) == []
        assert script.calls.count("GET /v2/pix") == 1 + 1 + 19
        script.answers["GET /v2/pix?"] = problem(400, "PixConsultaInvalida")
        with pytest.raises(RailUnavailable, match="PixConsultaInvalida"):
            await script.rail.movements(script.account, now - HOUR, now)


async def test_no_time_to_come_is_asked_about(stage: Stage) -> None:
    await movements(stage)
    asked = [parse_qs(urlsplit(sent.url).query) for sent in stage.client.sent[1:]]
    now = datetime.now(UTC)
    assert all(datetime.fromisoformat(query["fim"][0]) <= now for query in asked)
    spans = [
        datetime.fromisoformat(query["fim"][0]) - datetime.fromisoformat(query["inicio"][0])
        for query in asked
    ]
    assert spans[0] == HOUR
    assert max(spans) == timedelta(days=30)
    assert sum(spans[1:], timedelta()) == HOUR + timedelta(days=91)


# The account --------------------------------------------------------------------------------------


async def test_a_webhook_is_registered_and_shown(stage: Stage) -> None:
    await stage.control("webhook", url=None)  # whoever shares the simulator may have left one
    assert (await stage.rail.check(stage.account)).webhook_url is None
    await stage.rail.register_webhook(stage.account, "https://shop.example/notices/x")
    checked = await stage.rail.check(stage.account)
    assert checked.webhook_url == "https://shop.example/notices/x"
    assert checked.certificate_expires_at
    assert checked.certificate_expires_at > stage.clock.now() + timedelta(days=30)
    await stage.control("webhook", url=None)


async def test_a_check_says_what_is_wrong(stage: Stage) -> None:
    await stage.fault("token", "error", when="before", status=401)
    with pytest.raises(RailUnavailable, match="POST token: 401"):
        await stage.rail.check(stage.account)
    await stage.fault("list_pix", "error", when="before", status=403)
    with pytest.raises(RailUnavailable, match="GET /pix: 403"):
        await stage.rail.check(stage.account)
    await stage.fault("get_webhook", "drop")
    with pytest.raises(RailUnavailable, match="GET /webhook"):
        await stage.rail.check(stage.account)


async def test_a_webhook_that_cannot_be_registered(stage: Stage) -> None:
    await stage.fault("put_webhook", "drop")
    with pytest.raises(RailUnavailable):
        await stage.rail.register_webhook(stage.account, "https://shop.example/notices/x")
