"""``authorization_url``: the payer says whose handset pays, confirms on it, and goes back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from guichet.gateway import Gateway
from guichet.pages.app import build_app as build_pages
from wire.client import Answer, Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY = {"amount": 5000, "currency": "XAF", "email": "payer@example.com"}
CALLBACK = "https://shop.example/back?order=7"


@pytest.fixture
def payer(gateway: Gateway) -> Client:
    """A payer's browser."""
    return Client(
        build_pages(gateway),
        {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"},
    )


async def initialized(notch: Client, **fields: object) -> str:
    """The path of a new payment's page."""
    answer = await notch.post("/payments", {**BODY, **fields})
    assert answer.status == 201
    return urlsplit(str(answer.json()["authorization_url"])).path


async def choose(payer: Client, path: str, channel: str, phone: str) -> Answer:
    form = urlencode({"channel": channel, "phone": phone}).encode()
    return await payer.call("POST", path, form)


async def page(payer: Client, path: str) -> str:
    answer = await payer.call("GET", path)
    assert answer.status == 200
    return answer.body.decode()


async def test_the_page_offers_the_channels_of_the_country(notch: Client, payer: Client) -> None:
    text = await page(payer, await initialized(notch))
    assert 'value="cm.mtn"' in text
    assert 'value="cm.orange"' in text


async def test_a_locked_channel_is_the_only_one_offered(notch: Client, payer: Client) -> None:
    text = await page(payer, await initialized(notch, locked_channel="cm.orange"))
    assert 'value="cm.orange" checked' in text
    assert "cm.mtn" not in text


async def test_a_handset_that_pays_completes_the_payment(notch: Client, payer: Client) -> None:
    path = await initialized(notch, reference="page-1", callback=CALLBACK)
    answer = await choose(payer, path, "cm.mtn", "6 70 00 00 00")
    assert (answer.status, answer.headers["location"]) == (303, path)
    assert "Payment completed" in await page(payer, path)
    shown = (await notch.get("/payments/page-1")).json()["transaction"]
    assert (shown["status"], shown["channel"]) == ("complete", "cm.mtn")


async def test_without_a_channel_the_numbers_own_is_taken(notch: Client, payer: Client) -> None:
    path = await initialized(notch, reference="page-2")
    await choose(payer, path, "", "+237690000000")
    shown = (await notch.get("/payments/page-2")).json()["transaction"]
    assert (shown["status"], shown["channel"]) == ("complete", "cm.orange")


async def test_the_way_back_names_what_clients_read(notch: Client, payer: Client) -> None:
    path = await initialized(notch, reference="page-3", callback=CALLBACK)
    await choose(payer, path, "cm.mtn", "670000000")
    text = await page(payer, path)
    href = text.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    query = parse_qs(urlsplit(href).query)
    assert href.startswith("https://shop.example/back?order=7&")
    assert query["trxref"] == query["notchpay_trxref"] == ["page-3"]
    assert query["reference"][0].startswith("trx.test_")
    assert query["status"] == ["complete"]


async def test_a_handset_that_waits_is_told_of(notch: Client, payer: Client) -> None:
    path = await initialized(notch)
    await choose(payer, path, "cm.orange", "690000100")
    text = await page(payer, path)
    assert "Confirm on your phone" in text
    assert "#150*50#" in text
    assert "690000100" not in text


async def test_a_handset_without_money_ends_the_payment(notch: Client, payer: Client) -> None:
    path = await initialized(notch)
    await choose(payer, path, "cm.mtn", "670000001")
    assert "does not hold enough" in await page(payer, path)


@pytest.mark.parametrize(
    ("channel", "phone", "problem"),
    [
        ("cm.mtn", "", "Enter your phone number"),
        ("cm.mtn", "12", "This is not a phone number"),
        ("", "+254708374149", "Choose how to pay"),
        ("ke.mpesa", "+254708374149", "Choose how to pay"),
        ("cm.mtn", "<script>alert(1)</script>", "This is not a phone number"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    notch: Client, payer: Client, channel: str, phone: str, problem: str
) -> None:
    path = await initialized(notch)
    answer = await choose(payer, path, channel, phone)
    assert answer.status == 422
    assert problem in answer.body.decode()
    assert "<script>alert" not in answer.body.decode()


async def test_two_forms_ask_one_handset(notch: Client, payer: Client) -> None:
    path = await initialized(notch)
    await choose(payer, path, "cm.orange", "690000100")
    second = await choose(payer, path, "cm.mtn", "670000000")
    assert (second.status, second.headers["location"]) == (303, path)
    assert "Confirm on your phone" in await page(payer, path)


async def test_a_payment_that_was_cancelled_takes_no_handset(notch: Client, payer: Client) -> None:
    path = await initialized(notch, reference="page-4")
    await notch.call("DELETE", "/payments/page-4")
    await choose(payer, path, "cm.mtn", "670000000")
    shown = (await notch.get("/payments/page-4")).json()["transaction"]
    assert shown["status"] == "canceled"
