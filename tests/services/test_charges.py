"""Payments that need a code of the provider before anybody can pay: asked for once, never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateways import caller_of
from guichet.domain.errors import Invalid
from guichet.domain.money import Money
from guichet.domain.orders import Payer
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.rails.registry import Registry
from guichet.services.attempts import refresh_attempt
from guichet.services.customers import save_customer
from guichet.services.settlement import record_outcome
from guichet.store.audit import findings
from psp import Psp, code_of, connect, pix_card
from services.charging import (
    CPF,
    SILENCE,
    asked,
    attempt,
    charge,
    check_due,
    create,
    move,
    now_is,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- the code at creation ------------------------------------------------------------------------


async def test_payment_has_its_code_when_it_is_made(shop: Gateway, psp: Psp) -> None:
    made = (await create(shop, charge())).payment

    (order,) = psp.orders
    assert made.payer_code == code_of(order.key)
    assert (made.status, made.rail, made.institution_id, made.country) == (
        "processing",
        "pix",
        None,
        "GB",
    )


async def test_psp_is_told_who_pays_what_and_until_when(shop: Gateway, psp: Psp) -> None:
    made = (await create(shop, charge(name="Jhon Doe", email="jhondoe@email.com"))).payment

    (order,) = psp.orders
    assert order.payer == Payer("Jhon Doe", CPF, None, "jhondoe@email.com")
    assert (order.money, order.reference, order.institution_code) == (
        Money(12_244, "GBP"),
        "reference",
        "",
    )
    assert order.expires_at == made.expires_at


async def test_intent_is_on_disk_before_the_psp_is_asked(shop: Gateway, psp: Psp) -> None:
    psp.gate.clear()
    asking = asyncio.create_task(create(shop, charge()))
    await asked(psp)

    status = await attempt(shop, psp)
    psp.gate.set()
    await asking
    assert status == "starting"


async def test_money_completes_the_payment(shop: Gateway, psp: Psp) -> None:
    made = await create(shop, charge())
    psp.looks = [Done(received=Money(12_244, "GBP"))]
    await refresh_attempt(shop, UUID(psp.orders[0].key))

    assert (await now_is(shop, made))["status"] == "completed"


# --- who pays ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["063.727.713-90", "11.222.333/0001-81", "12ABC34501DE35"])
async def test_tax_number_may_be_a_cpf_or_a_cnpj_of_either_form(
    shop: Gateway, psp: Psp, number: str
) -> None:
    await create(shop, charge(tax_number=number))

    assert psp.orders[0].payer.tax_number == number


@pytest.mark.parametrize(
    ("number", "rule"),
    [("", "required"), ("06372771391", "unknown"), ("11222333000182", "unknown"), ("1", "unknown")],
)
async def test_no_payment_is_made_without_a_tax_number_that_is_one(
    shop: Gateway, psp: Psp, number: str, rule: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await create(shop, charge(tax_number=number))

    assert (refused.value.field, refused.value.rule) == ("customer.tax_number", rule)
    assert psp.orders == []


async def test_stored_tax_number_is_enough(shop: Gateway, psp: Psp) -> None:
    fields = {"email": "payer@example.com", "tax_number": CPF}
    await save_customer(shop, caller_of(shop), None, fields)
    await create(shop, charge(tax_number="", email="PAYER@example.com"))

    assert psp.orders[0].payer.tax_number == CPF


async def test_check_digits_can_be_left_unchecked(
    shop: Gateway, psp: Psp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "settings", replace(shop.settings, check_tax_numbers=False))
    await create(shop, charge(tax_number="06372771391"))

    assert psp.orders[0].payer.tax_number == "06372771391"


# --- whether it can be paid so -------------------------------------------------------------------


async def test_currency_that_the_rail_does_not_collect_is_refused(shop: Gateway, psp: Psp) -> None:
    with pytest.raises(Invalid) as refused:
        await create(shop, charge(currency="KWD"))

    assert (refused.value.field, refused.value.rule, psp.orders) == ("currency", "unknown", [])


async def test_rail_that_is_not_set_up_is_refused(shop: Gateway) -> None:
    shop.rails = Registry({})
    with pytest.raises(Invalid) as refused:
        await create(shop, charge())

    assert (refused.value.field, refused.value.rule) == ("rail", "unknown")


async def test_application_without_an_account_is_refused_where_it_needs_one(
    shop: Gateway,
) -> None:
    connect(shop, Psp(card=pix_card(needs_account=True)))
    with pytest.raises(Invalid) as refused:
        await create(shop, charge())

    assert (refused.value.field, refused.value.rule) == ("rail", "unknown")


async def test_charge_that_the_psp_refuses_fails(shop: Gateway, psp: Psp) -> None:
    psp.begins = [Refused(reason=Reason.REJECTED, code="400")]
    made = (await create(shop, charge())).payment

    assert (made.status, made.reason, made.payer_code) == ("failed", "rejected", None)


# --- the answer that does not come ---------------------------------------------------------------


async def test_lost_answer_is_asked_for_again_at_once(shop: Gateway, psp: Psp) -> None:
    psp.begins = [SILENCE]
    made = (await create(shop, charge())).payment

    assert made.payer_code == code_of(psp.orders[0].key)
    assert [order.key for order in psp.looked_at] == [psp.orders[0].key]


@pytest.mark.parametrize("look", [SILENCE, RailUnavailable(), RuntimeError("a defect")])
async def test_code_that_is_not_known_yet_is_found_by_the_worker(
    shop: Gateway, psp: Psp, look: Any
) -> None:
    psp.begins, psp.looks = [SILENCE], [look]
    made = await create(shop, charge())
    assert (made.payment.status, made.payment.payer_code) == ("processing", None)
    move(shop, timedelta(minutes=1))
    await check_due(shop, psp)

    assert (await now_is(shop, made))["payer_code"] == code_of(psp.orders[0].key)
    assert len(psp.orders) == 1


async def test_defect_of_a_connector_is_an_unknown_outcome(shop: Gateway, psp: Psp) -> None:
    psp.begins, psp.looks = [RuntimeError("a defect")], [SILENCE]
    made = (await create(shop, charge())).payment

    assert (made.status, await attempt(shop, psp)) == ("processing", "unknown")


async def test_money_that_came_while_nothing_was_known_is_told_at_once(
    shop: Gateway, psp: Psp
) -> None:
    psp.begins, psp.looks = [SILENCE], [Done(received=Money(12_244, "GBP"))]
    made = (await create(shop, charge())).payment

    assert made.status == "completed"


# --- money that goes again -----------------------------------------------------------------------


async def test_money_of_a_code_that_is_paid_again_after_it_was_taken_back_lies_in_suspense(
    shop: Gateway, psp: Psp
) -> None:
    made = await create(shop, charge())
    attempt_id = UUID(psp.orders[0].key)
    await record_outcome(shop, attempt_id, Done(received=Money(12_244, "GBP")))
    await record_outcome(shop, attempt_id, TakenBack())
    await record_outcome(shop, attempt_id, Done(received=Money(24_488, "GBP")))

    assert (await now_is(shop, made))["status"] == "reversed"
    async with shop.database.connection() as connection:
        sums = await connection.fetchrow(
            "SELECT received_minor, placed_minor, returned_minor FROM attempts WHERE id = $1",
            attempt_id,
        )
        assert await findings(connection) == []
    assert sums is not None
    assert tuple(sums) == (24_488, 12_244, 12_244)
