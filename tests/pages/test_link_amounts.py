"""Amounts that a link leaves to its payers: shown as understood before anything is paid."""

from __future__ import annotations

import httpx2
import pytest

from pages.offers import filled
from pages.reading import heading, hidden_fields, nonce_in, problems_in
from pages.stall import Stall

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_amount_of_the_payers_choice_is_shown_before_it_is_paid(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link(amount_minor=None, currency="EUR", product="Donation")
    page = await payer.get(path, headers={"accept-language": "fr-FR"})
    assert "Montant en EUR" in page.text
    form = filled(amount="12,5", nonce=nonce_in(page))
    review = await payer.post(path, data=form, headers={"accept-language": "fr-FR"})
    assert heading(review) == "Est-ce le bon montant ?"
    assert "12,50\u00a0€" in review.text
    assert await stall.payments_of(link) == []

    paid = await payer.post(path, data=hidden_fields(review), headers={"accept-language": "fr-FR"})
    assert paid.status_code == 303
    (payment,) = await stall.payments_of(link)
    assert (payment["amount_minor"], payment["currency"]) == (1250, "EUR")


async def test_an_amount_other_than_the_one_shown_is_shown_again(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link(amount_minor=None)
    review = await payer.post(path, data=filled(amount="12.50"))
    again = await payer.post(path, data=hidden_fields(review) | {"amount": "1250"})

    assert "£1,250.00" in again.text
    assert await stall.payments_of(link) == []


async def test_back_from_the_amount_to_the_form(stall: Stall, payer: httpx2.AsyncClient) -> None:
    link, path = await stall.link(amount_minor=None)
    form = filled(amount="12.50", bank="7", bank_country="FR", search="c")
    review = await payer.post(path, data=form)
    page = await payer.post(path, data=hidden_fields(review) | {"do": "change"})

    assert page.status_code == 200
    for kept in ('value="12.50"', 'value="payer@example.com"', 'value="7" checked'):
        assert kept in page.text
    assert await stall.payments_of(link) == []


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Enter the amount"),
        ("0", "more than zero"),
        ("0.00", "more than zero"),
        ("1,250.00", "like 1234.50"),
        ("12.505", "like 1234.50"),
        ("<script>", "like 1234.50"),
        ("100000000", "too high"),
    ],
)
async def test_amounts_that_are_none(
    stall: Stall, payer: httpx2.AsyncClient, amount: str, words: str
) -> None:
    _, path = await stall.link(amount_minor=None)
    page = await payer.post(path, data=filled(amount=amount))

    assert list(problems_in(page)) == ["amount"]
    assert words in problems_in(page)["amount"]
