"""The form of a payment link: what it asks, what it understands, where it leads."""

from __future__ import annotations

import re
from html import unescape

import httpx2
import pytest

from guichet.domain.errors import Invalid
from guichet.domain.outcomes import Redirect, Unknown, Waiting
from guichet.pages.app import build_app
from pages.offers import CPF, PERSON, filled
from pages.reading import heading, nonce_in, problems_in
from pages.scripted import BANK_URL, CODE
from pages.stall import Stall

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH = ("open_banking", "pix")
BRAZILIAN = {"currency": "BRL", "amount_minor": 123450}


def fields_in(page: httpx2.Response) -> list[str]:
    """The names of what can be filled in, in their order."""
    found = re.findall(r'<(?:input|select)[^>]* name="(\w+)"', page.text)
    return list(dict.fromkeys(name for name in found if name not in {"nonce", "search"}))


async def test_the_offer_is_shown(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link(description="Iphone 14 Pro reconditionné", reference="NEOPAY-IPHONE")
    page = await payer.get(path)

    assert page.status_code == 200
    assert heading(page) == "Iphone 14 Pro"
    for words in ("£350.41", "reconditionné", "NEOPAY-IPHONE", "Pay £350.41", "Tests", "Sandbox"):
        assert words in page.text
    assert "John Doe" not in page.text
    assert "set-cookie" not in page.headers


async def test_the_payee_is_shown_when_asked_for(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link(shows_payee=True)
    page = await payer.get(path)

    for words in ("John Doe", "MODELO", "DE89 3704 0044 0532 0130 00", "AACSDE33"):
        assert words in page.text


@pytest.mark.parametrize(
    ("customer_data", "asked"),
    [
        (None, ["email"]),
        ("name", ["email", "name"]),
        ("name_phone", ["email", "name", "phone"]),
        ("full_customer", ["email", *PERSON]),
    ],
)
async def test_what_is_asked_of_the_payer(
    stall: Stall, payer: httpx2.AsyncClient, customer_data: str | None, asked: list[str]
) -> None:
    _, path = await stall.link(customer_data=customer_data)

    assert fields_in(await payer.get(path)) == [*asked, "bank_country", "bank"]


async def test_pix_asks_for_no_bank(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link(rails=("pix",), **BRAZILIAN)

    assert fields_in(await payer.get(path)) == ["email", "name", "tax_number"]


async def test_several_services_are_chosen_from(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link(rails=BOTH, **BRAZILIAN)
    page = await payer.get(path)

    assert fields_in(page) == ["email", "rail", "name", "tax_number", "bank_country", "bank"]
    assert re.findall(r'name="rail" value="(\w+)"( checked)?', page.text) == [
        ("open_banking", " checked"), ("pix", ""),
    ]  # fmt: skip


async def test_a_service_that_does_not_collect_the_currency_is_not_offered(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    _, path = await stall.link(rails=BOTH, currency="EUR")

    assert 'name="rail"' not in (await payer.get(path)).text


async def test_from_the_form_to_the_bank(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link(customer_data="full_customer", reference="NEOPAY-IPHONE")
    nonce = nonce_in(await payer.get(path))
    sent = await payer.post(path, data=filled(nonce=nonce, **PERSON))
    (payment,) = await stall.payments_of(link)

    assert sent.status_code == 303
    assert sent.headers["location"].endswith("/bank")
    assert payment["id"].hex in sent.headers["location"]
    assert (payment["amount_minor"], payment["currency"]) == (35041, "GBP")
    assert (payment["reference"], payment["institution_id"]) == ("NEOPAY-IPHONE", 20)
    handoff = await payer.get(sent.headers["location"])
    assert f'href="{BANK_URL}"' in handoff.text
    customer = await stall.customer(payment["customer_id"])
    assert customer.email == "payer@example.com"
    assert {name: getattr(customer, name) or "" for name in PERSON} == PERSON


async def test_a_bank_on_our_own_origin_is_reached_at_once(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    url = f"{payer.base_url}/simulators/bank"
    stall.bank.answer = Waiting(next_step=Redirect(url))
    _, path = await stall.link()

    assert (await payer.post(path, data=filled())).headers["location"] == url


async def test_from_the_form_to_the_code(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link(rails=("pix",), **BRAZILIAN)
    sent = await payer.post(path, data=filled(name="Maria", tax_number=CPF))
    (payment,) = await stall.payments_of(link)
    page = await payer.get(sent.headers["location"])

    assert payment["institution_id"] is None
    assert heading(page) == "Pay John Doe with Pix"
    assert CODE in unescape(page.text)
    assert "Iphone 14 Pro" in page.text
    assert stall.pix.orders[0].payer.tax_number == CPF


async def test_a_code_that_is_not_known_yet_is_waited_for(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    stall.pix.answer = Unknown(detail="time-out")
    _, path = await stall.link(rails=("pix",), **BRAZILIAN)
    sent = await payer.post(path, data=filled(name="Maria", tax_number=CPF))

    assert heading(await payer.get(sent.headers["location"])) == "Making your Pix code"


async def test_a_psp_that_took_no_order_leaves_the_form_as_it_was(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    stall.pix.answer = None
    link, path = await stall.link(rails=("pix",), **BRAZILIAN)
    form = filled(name="Maria", tax_number=CPF)
    sent = await payer.post(path, data=form)
    assert sent.status_code == 503
    assert sent.headers["retry-after"]
    assert "Nothing was paid" in problems_in(sent)["rail"]
    assert CPF in sent.text

    stall.open()
    again = await payer.post(path, data=form)
    assert CODE in unescape((await payer.get(again.headers["location"])).text)
    assert len(await stall.payments_of(link)) == 1


async def test_everything_that_is_wrong_is_said_at_once_and_what_was_typed_is_kept(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link(customer_data="full_customer", rails=BOTH, **BRAZILIAN)
    form = {
        "nonce": "0123456789abcdef012345", "email": "no", "phone": "call me", "street": "x" * 300,
        "city": "Berlin \x07", "country": "Nowhere", "rail": "pix", "tax_number": "123",
        "bank_country": "FR",
    }  # fmt: skip
    page = await payer.post(path, data=form)
    problems = problems_in(page)

    assert page.status_code == 422
    assert list(problems) == [
        "email", "name", "phone", "street", "zip_code", "city", "country", "tax_number",
    ]  # fmt: skip
    assert "e-mail" in problems["email"]
    assert "full name" in problems["name"]
    assert "too long" in problems["street"]
    assert "cannot be used" in problems["city"]
    for field in problems:
        assert page.text.count(f'id="{field}"') == 1
        assert f'id="{field}-problem"' in page.text
        assert f'aria-describedby="{field}-problem' in page.text
    assert page.text.count('aria-invalid="true"') == len(problems)
    assert '<div class="summary" role="alert" tabindex="-1" autofocus>' in page.text
    assert "<title>Please check: " in page.text
    assert 'value="call me"' in page.text
    assert 'value="pix" checked' in page.text
    assert nonce_in(page) == form["nonce"]
    assert await stall.payments_of(link) == []


async def test_the_right_way_to_pay_is_needed(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link(rails=BOTH, **BRAZILIAN)

    assert list(problems_in(await payer.post(path, data=filled()))) == ["rail"]
    wrong = filled(rail="card")
    assert list(problems_in(await payer.post(path, data=wrong))) == ["rail"]
    no_bank = filled(rail="open_banking", bank="")
    assert list(problems_in(await payer.post(path, data=no_bank))) == ["bank"]
    other_bank = filled(rail="open_banking", bank="4711")
    assert list(problems_in(await payer.post(path, data=other_bank))) == ["bank"]


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        ("529.982.247-25", True), ("52998224725", True), ("12.ABC.345/01DE-35", True),
        ("11.222.333/0001-81", True), ("529.982.247-24", False),
        ("", False),
    ],
)  # fmt: skip
async def test_tax_numbers_by_their_check_digits(
    stall: Stall, payer: httpx2.AsyncClient, number: str, is_one: bool
) -> None:
    _, path = await stall.link(rails=("pix",), **BRAZILIAN)
    sent = await payer.post(path, data=filled(name="Maria", tax_number=number))

    assert (sent.status_code == 303) == is_one
    assert list(problems_in(sent)) == ([] if is_one else ["tax_number"])


@pytest.mark.parametrize(
    ("phone", "is_one"),
    [
        ("+44 20 7946 0000", True), ("(11) 91234-5678", True), ("237.6.99.12.34.56", True),
        ("911", False), ("+", False), ("call me maybe", False), ("١٢٣٤٥٦", False),
        ("1" * 40, False), ("+1;drop table", False),
    ],
)  # fmt: skip
async def test_phones_are_checked_loosely(
    stall: Stall, payer: httpx2.AsyncClient, phone: str, is_one: bool
) -> None:
    _, path = await stall.link(customer_data="name_phone")
    sent = await payer.post(path, data=filled(name="Zoë", phone=phone))

    assert list(problems_in(sent)) == ([] if is_one else ["phone"])


async def test_amount_payee_and_bank_of_the_link_are_never_the_browsers(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link()
    form = filled(
        amount="0.01", amount_minor="1", currency="XAF", payee="me", payee_id="me",
        understood="1", reference="mine", link_id="other", notify_url="https://evil.example",
        success_url="https://evil.example", expires_at="2099-01-01",
    )  # fmt: skip
    await payer.post(f"{path}?amount=1&currency=XAF", data=form)
    (order,) = stall.bank.orders
    (payment,) = await stall.payments_of(link)

    assert (order.money.minor, order.money.currency) == (35041, "GBP")
    assert order.payee.name == "John Doe"
    assert (payment["reference"], payment["notify_url"]) == (None, None)


async def test_the_same_form_twice_is_one_payment(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link()
    first = await payer.post(path, data=filled())
    second = await payer.post(path, data=filled())

    assert first.headers["location"] == second.headers["location"]
    assert len(await stall.payments_of(link)) == 1
    assert len(stall.bank.orders) == 1


async def test_two_forms_are_two_payments(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link()
    nonces = [nonce_in(await payer.get(path)) for _ in range(2)]
    for nonce in nonces:
        await payer.post(path, data=filled(nonce=nonce))

    assert len(await stall.payments_of(link)) == 2


@pytest.mark.parametrize("nonce", ["", "short", "x" * 1000, "<script>", "\u0661" * 22])
async def test_a_mark_that_is_not_ours_is_replaced(
    stall: Stall, payer: httpx2.AsyncClient, nonce: str
) -> None:
    _, path = await stall.link()

    assert (await payer.post(path, data=filled(nonce=nonce))).status_code == 303


async def test_another_sites_form_is_refused(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link()
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert (await payer.post(path, data=filled(), headers=headers)).status_code == 403

    assert await stall.payments_of(link) == []


async def test_unreadable_forms_are_refused(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for body in (b"email=\xff", b"email=%00", b"&".join([b"a=1"] * 500), b"email=%ff"):
        answer = await payer.post(path, content=body, headers=headers)
        assert answer.status_code == 400, body
        assert "This cannot be done" in answer.text


async def test_nested_fields_are_no_text(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link()
    form = filled() | {"email[x]": "a@b.example", "do[x]": "banks"}

    assert list(problems_in(await payer.post(path, data=form))) == ["email"]


async def test_too_many_payments_begun_from_one_address_have_to_wait(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guichet.pages.links._BEGUN_MAX", 3)
    monkeypatch.setattr(stall, "app", build_app(stall.gateway))
    _, path = await stall.link()
    async with stall.browser("192.0.2.99") as flood, stall.browser("192.0.2.98") as neighbour:
        answers = [(await flood.post(path, data=filled())).status_code for _ in range(4)]

        assert answers == [303, 303, 303, 429]
        assert (await flood.get(path)).status_code == 200
        assert (await neighbour.post(path, data=filled())).status_code == 303


async def test_a_bank_withdrawn_at_the_last_moment_is_chosen_again(
    stall: Stall, payer: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = await stall.link()

    async def refuse(*_: object) -> None:
        raise Invalid("institution", "unknown")

    monkeypatch.setattr("guichet.pages.links.pay_link", refuse)
    page = await payer.post(path, data=filled())

    assert (page.status_code, list(problems_in(page))) == (422, ["bank"])
