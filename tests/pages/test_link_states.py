"""Every state of a payment link as a stranger meets it, and as a payer who was here before does."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from html import unescape
from typing import Any

import httpx2
import pytest

from gateways import caller_of
from guichet.domain.links import Link
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused
from guichet.pages.app import build_app
from guichet.services.links import close_link, delete_link, unpublish_link, update_link
from pages.offers import filled, published
from pages.reading import heading
from pages.stall import Stall

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = Done(received=Money(35041, "GBP"))


async def _drafted(stall: Stall) -> Link:
    link = await published(stall.gateway)
    return await unpublish_link(stall.gateway, caller_of(stall.gateway), link.id)


async def _closed(stall: Stall) -> Link:
    link = await published(stall.gateway)
    return await close_link(stall.gateway, caller_of(stall.gateway), link.id)


async def _disabled(stall: Stall) -> Link:
    return await published(stall.gateway, enabled=False)


async def _expired(stall: Stall) -> Link:
    link = await published(stall.gateway, expires_at=stall.clock.now() + timedelta(hours=1))
    stall.clock.move(timedelta(hours=1))
    return link


async def _used_up(stall: Stall) -> Link:
    link = await published(stall.gateway, payments_limit=1)
    async with stall.browser() as other:
        assert (await other.post(f"/links/{link.slug}", data=filled())).status_code == 303
    return link


async def _deleted(stall: Stall) -> Link:
    link = await published(stall.gateway)
    return await delete_link(stall.gateway, caller_of(stall.gateway), link.id)


STATES = [
    (_drafted, 404, "This page is not open yet"),
    (_closed, 410, "This payment link is closed"),
    (_disabled, 410, "This payment link is paused"),
    (_expired, 410, "This payment link has expired"),
    (_used_up, 410, "This payment link has been used"),
    (_deleted, 404, "This page does not exist"),
]


@pytest.mark.parametrize(("make", "status", "title"), STATES)
async def test_a_link_that_is_not_open_says_so_kindly(
    stall: Stall,
    payer: httpx2.AsyncClient,
    make: Callable[[Stall], Awaitable[Link]],
    status: int,
    title: str,
) -> None:
    link = await make(stall)
    path = f"/links/{link.slug}"
    orders = len(stall.bank.orders)
    shown, sent = await payer.get(path), await payer.post(path, data=filled(nonce="y" * 22))
    wrong = await payer.post(path, data={})

    for page in (shown, sent, wrong):
        assert (page.status_code, heading(page)) == (status, title)
        assert "<form" not in page.text
        assert link.product not in page.text
        assert page.headers["content-security-policy"]
    for part in ("/qr.svg", "/poster"):
        assert (await payer.get(path + part)).status_code == status
    assert (await payer.get(f"{path}/banks")).status_code == 404
    assert len(stall.bank.orders) == orders


async def test_expiry_is_read_while_the_form_stands_open(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    until = stall.clock.now() + timedelta(minutes=10)
    link, path = await stall.link(expires_at=until)
    assert "Open until" in (await payer.get(path)).text
    stall.clock.move(timedelta(minutes=10))

    assert heading(await payer.post(path, data=filled())) == "This payment link has expired"
    assert await stall.payments_of(link) == []


async def test_a_link_whose_services_are_gone_is_not_payable_now(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link(rails=("pix",), currency="EUR")
    page = await payer.get(path)

    assert (page.status_code, heading(page)) == (503, "This cannot be paid just now")


@pytest.mark.parametrize(
    "slug", ["aaaaaaaaaa", "x", "a" * 200, "%00", "..%2f", "\u00e9\u00e9", "AAAAAAAAA'"]
)
async def test_unknown_links(payer: httpx2.AsyncClient, slug: str) -> None:
    page = await payer.get(f"/links/{slug}")

    assert (page.status_code, heading(page)) == (404, "This page does not exist")


async def test_guessing_links_has_to_wait(stall: Stall) -> None:
    _, path = await stall.link()
    async with stall.browser("192.0.2.77") as guesser:
        for number in range(20):
            guess = await guesser.get(f"/links/aaaaaaaa{number:02}")
            assert guess.status_code == 404
        assert (await guesser.get("/links/bbbbbbbbbb")).status_code == 429
        assert (await guesser.post("/links/bbbbbbbbbb", data=filled())).status_code == 429
        assert (await guesser.get("/links/bbbbbbbbbb/qr.svg")).status_code == 429
        assert (await guesser.get(path)).status_code == 200


async def test_the_addresses_picture_and_poster(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link(description="A phone")
    picture = await payer.get(f"{path}/qr.svg")
    poster = await payer.get(f"{path}/poster")

    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.content.startswith(b"<svg")
    assert b"<script" not in picture.content
    assert picture.headers["content-security-policy"]
    for words in ("Iphone 14 Pro", "£350.41", f"http://127.0.0.1:8000/links/{link.slug}"):
        assert words in poster.text


# --- the payer who was here before ---------------------------------------------------------------


async def _begun(payer: httpx2.AsyncClient, path: str) -> str:
    sent = await payer.post(path, data=filled())
    return sent.headers["location"].removesuffix("/bank")


async def test_the_browser_remembers_its_payment_for_this_link_alone(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link()
    sent = await payer.post(path, data=filled())
    cookie = sent.headers["set-cookie"]

    payment = sent.headers["location"].removesuffix("/bank")
    identifier, token = payment.split("/")[-2:]
    assert cookie.startswith(f"payment={identifier}.{token}; Path={path}; ")
    assert set(cookie.split("; ")[2:]) == {"Max-Age=2592000", "HttpOnly", "SameSite=Lax"}
    assert "set-cookie" not in (await payer.get(path)).headers
    assert "set-cookie" not in (await payer.get(payment)).headers


async def test_by_https_the_cookie_is_secure(stall: Stall) -> None:
    plain = stall.gateway.settings
    stall.gateway.settings = type(plain)(public_url="https://pay.example/shop")
    try:
        app = build_app(stall.gateway)
        _, path = await stall.link()
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://pay.example"
        ) as browser:
            sent = await browser.post(path, data=filled())
    finally:
        stall.gateway.settings = plain

    assert sent.headers["location"].startswith("/shop/pay/")
    assert f"Path=/shop{path}; " in sent.headers["set-cookie"]
    assert sent.headers["set-cookie"].endswith("; Secure")


async def test_reopening_the_link_shows_the_payment_under_way(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link()
    payment = await _begun(payer, path)
    page = await payer.get(path)
    assert heading(page) == "You have a payment under way"
    assert f'href="{payment}"' in page.text
    assert "£350.41" in page.text

    again = await payer.get(f"{path}?again=1")
    assert heading(again) == link.product
    assert f'href="{payment}"' in again.text


async def test_reopening_the_link_shows_that_it_was_paid(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link()
    payment = await _begun(payer, path)
    await stall.report(payment, FULL)
    page = await payer.get(path)

    assert heading(page) == "You have paid this already"
    assert f'href="{payment}"' in page.text
    assert f'href="{path}?again=1"' in page.text


async def test_a_payment_that_was_not_made_leads_to_the_form_again(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link()
    payment = await _begun(payer, path)
    await stall.report(payment, Refused(reason=Reason.DECLINED))
    page = await payer.get(path)

    assert heading(page) == link.product
    assert "You began a payment here before" in page.text
    assert f'href="{payment}"' in page.text


@pytest.mark.parametrize(
    ("outcome", "title"),
    [
        (None, "You have a payment under way"),
        (FULL, "You have paid this already"),
        (Refused(reason=Reason.DECLINED), "This payment link is closed"),
    ],
)
async def test_the_truth_outlives_the_link(
    stall: Stall, payer: httpx2.AsyncClient, outcome: Any, title: str
) -> None:
    link, path = await stall.link()
    payment = await _begun(payer, path)
    if outcome:
        await stall.report(payment, outcome)
    await close_link(stall.gateway, caller_of(stall.gateway), link.id)
    page = await payer.get(f"{path}?again=1")

    assert heading(page) == title
    assert f'href="{payment}"' in page.text
    assert "?again=1" not in page.text


async def test_the_only_payer_of_a_link_for_one_sees_their_payment(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link(payments_limit=1)
    payment = await _begun(payer, path)
    await stall.report(payment, FULL)

    assert heading(await payer.get(path)) == "You have paid this already"
    async with stall.browser() as stranger:
        assert heading(await stranger.get(path)) == "This payment link has been used"


async def test_the_same_form_after_the_link_was_used_up_leads_to_its_payment(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link(payments_limit=1)
    first = await payer.post(path, data=filled())
    second = await payer.post(path, data=filled())

    assert second.headers["location"] == first.headers["location"]
    assert len(await stall.payments_of(link)) == 1


async def test_what_a_browser_claims_to_remember_is_checked(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link()
    _, other_path = await stall.link()
    other = (await _begun(payer, other_path)).removeprefix("/pay/").replace("/", ".")
    own = await stall.payment()
    payer.cookies.clear()
    for claim in (
        other,
        own.removeprefix("/pay/").replace("/", "."),
        f"{other[:32]}.{'x' * 24}",
        f"{'0' * 32}.{other[33:]}",
        "../../etc",
        "",
        "\x7f" * 10,
        other + ("x" * 5000),
    ):
        page = await payer.get(path, headers={"cookie": f"a=b; payment={claim}; payment=x"})
        assert (page.status_code, heading(page)) == (200, link.product)


async def test_a_closed_link_ends_a_payment_that_was_never_begun(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    stall.bank.answer = None
    link, path = await stall.link()
    sent = await payer.post(path, data=filled())
    payment = sent.headers["location"].removesuffix("/bank")
    await update_link(
        stall.gateway, caller_of(stall.gateway), link.id, lambda one: one._replace(enabled=False)
    )
    page = await payer.get(payment)
    assert heading(page) == "No longer offered"
    assert "<form" not in page.text

    assert (await payer.post(payment)).headers["location"] == payment


# --- where a payer of a link goes afterwards -----------------------------------------------------

ENDS = {"success_url": "https://shop.example/yes?a=1", "error_url": "https://shop.example/no"}


@pytest.mark.parametrize(
    ("outcome", "target"),
    [
        (FULL, "https://shop.example/yes?a=1&payment_id={id}&status=completed&reference=REF"),
        (
            Refused(reason=Reason.DECLINED),
            "https://shop.example/no?payment_id={id}&status=declined&reference=REF",
        ),
    ],
)
async def test_success_and_error_addresses(
    stall: Stall, payer: httpx2.AsyncClient, outcome: Any, target: str
) -> None:
    _, path = await stall.link(reference="REF", notify_url="https://shop.example/hook", **ENDS)
    payment = await _begun(payer, path)
    await stall.report(payment, outcome)
    page = await payer.get(payment)

    found = re.findall(r'<a class="button[^"]*" href="(https:[^"]*)"', page.text)
    assert [unescape(url) for url in found] == [target.format(id=(await stall.of(payment)).id)]
    assert "shop.example/hook" not in page.text
    assert "Iphone 14 Pro" in page.text


async def test_only_straight_after_success_the_way_back_opens_by_itself(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link(**ENDS)
    payment = await _begun(payer, path)
    await stall.report(payment, FULL)

    assert 'data-countdown="20"' in (await payer.get(f"{payment}/returned")).text
    assert "data-countdown" not in (await payer.get(payment)).text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a@b.example/", "//evil.example"])
async def test_no_way_back_leads_to_what_is_no_web_address(
    stall: Stall, payer: httpx2.AsyncClient, url: str
) -> None:
    _, path = await stall.link(success_url=url, error_url=url)
    payment = await _begun(payer, path)
    await stall.report(payment, FULL)

    assert "Return to" not in (await payer.get(payment)).text


async def test_without_addresses_a_payment_that_failed_leads_to_the_link(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link(notify_url="https://shop.example/hook")
    payment = await _begun(payer, path)
    await stall.report(payment, Refused(reason=Reason.DECLINED))
    page = await payer.get(payment)

    assert f'href="{path}?again=1"' in page.text
    assert "shop.example" not in page.text


async def test_nothing_in_the_query_sends_the_payer_away(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link()
    query = "?next=https://evil.example&redirect=//evil.example&success_url=https://evil.example"
    page = await payer.get(path + query)
    assert "evil.example" not in page.text
    sent = await payer.post(path + query, data=filled(success_url="https://evil.example"))
    assert sent.headers["location"].startswith("/pay/")
    payment = sent.headers["location"].removesuffix("/bank")
    await stall.report(payment, FULL)

    assert "evil.example" not in (await payer.get(payment + query)).text
