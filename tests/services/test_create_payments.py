"""Payments made in group commits: payers, request keys, neighbours."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import OTHER_APPLICATION_ID, caller_of
from guichet.domain.clock import MovableClock
from guichet.domain.errors import Invalid, NotFound, RequestKeyReused
from guichet.domain.money import Money
from guichet.domain.paging import Page
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.services.customers import list_customers, save_customer
from guichet.services.payments import (
    PaymentFilters,
    PaymentView,
    create_payment,
    list_payments,
    read_payment,
)
from orders import order


async def create(gateway: Gateway, new: NewPayment) -> PaymentView:
    return await create_payment(gateway, caller_of(gateway), new)


async def test_payment_is_read_back_as_it_was_made(gateway: Gateway) -> None:
    made = await create(gateway, order(name="Jhon Doe", country="GB"))

    assert await read_payment(gateway, caller_of(gateway), made.payment.id) == made
    assert made.payment.status == "pending"
    assert made.customer.name == "Jhon Doe"


async def test_payments_that_share_a_commit_are_answered_with_the_time_that_is_kept(
    gateway: Gateway,
) -> None:
    gateway.clock = clock = MovableClock()
    asked = []
    for number in range(12):
        new = order(email=f"payer-{number}@example.com")
        asked.append(asyncio.create_task(create(gateway, new)))
        await asyncio.sleep(0)  # it is in the queue; the first ones are being written
        clock.move(timedelta(seconds=2))

    for made in await asyncio.gather(*asked):
        assert await read_payment(gateway, caller_of(gateway), made.payment.id) == made


async def test_payer_without_currency_takes_the_payments(gateway: Gateway) -> None:
    await create(gateway, order(currency="GBP"))
    again = await create(gateway, order(currency="EUR"))

    assert again.customer.currency == "GBP"


async def test_currency_sent_for_the_payer_replaces_theirs(gateway: Gateway) -> None:
    await create(gateway, order(currency="GBP"))
    sent = {"email": "payer@example.com", "currency": "EUR"}
    changed = await create(gateway, _with(CustomerDetails(None, "payer@example.com", sent)))

    assert changed.customer.currency == "EUR"


def _with(customer: CustomerDetails) -> NewPayment:
    return NewPayment("open_banking", "20", Money(1, "GBP"), customer, None, None, None, None)


async def test_same_email_in_another_case_is_the_same_payer(gateway: Gateway) -> None:
    first = await create(gateway, order(email="Jhondoe@email.com", name="Jhon"))
    second = await create(gateway, order(email="JHONDOE@email.com", phone="+33 1"))

    assert second.customer.id == first.customer.id
    assert (second.customer.name, second.customer.phone) == ("Jhon", "+33 1")
    assert second.customer.email == "JHONDOE@email.com"


async def test_unchanged_payer_is_not_written_again(gateway: Gateway) -> None:
    first = await create(gateway, order(name="Jhon"))
    second = await create(gateway, order(name="Jhon"))

    assert second.customer.version == first.customer.version == 1


async def test_payer_is_found_by_id_and_updated(gateway: Gateway) -> None:
    known = await save_customer(gateway, caller_of(gateway), None, {"email": "a@example.com"})
    made = await create(gateway, order(email=None, customer_id=known.id, name="New name"))

    assert made.customer.id == known.id
    assert made.customer.name == "New name"


async def test_id_that_is_not_ours_falls_back_to_the_email(gateway: Gateway) -> None:
    made = await create(gateway, order(customer_id=uuid4(), email="a@example.com"))

    assert made.customer.email == "a@example.com"


async def test_unknown_id_without_email_is_refused(gateway: Gateway) -> None:
    with pytest.raises(Invalid) as refused:
        await create(gateway, order(email=None, customer_id=uuid4()))

    assert (refused.value.field, refused.value.rule) == ("customer.id", "unknown")


async def test_other_applications_payer_is_not_found_by_id(gateway: Gateway) -> None:
    other = caller_of(gateway, OTHER_APPLICATION_ID)
    theirs = await save_customer(gateway, other, None, {"email": "a@example.com"})
    with pytest.raises(Invalid):
        await create(gateway, order(email=None, customer_id=theirs.id))


async def test_email_of_another_payer_is_refused_for_one_named_by_id(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    known = await save_customer(gateway, caller, None, {"email": "a@example.com"})
    await save_customer(gateway, caller, None, {"email": "b@example.com"})
    with pytest.raises(Invalid) as refused:
        await create(gateway, order(customer_id=known.id, email="b@example.com"))

    assert (refused.value.field, refused.value.rule) == ("customer.email", "taken")


async def test_one_bad_item_does_not_fail_its_neighbours(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    known = await save_customer(gateway, caller, None, {"email": "a@example.com"})
    await save_customer(gateway, caller, None, {"email": "b@example.com"})
    orders = [order(email=f"{n}@example.com") for n in range(30)]
    orders.insert(15, order(customer_id=known.id, email="b@example.com"))

    answers = await asyncio.gather(
        *(create(gateway, each) for each in orders), return_exceptions=True
    )

    assert isinstance(answers.pop(15), Invalid)
    assert not any(isinstance(answer, BaseException) for answer in answers)


async def test_many_at_once_for_one_payer_make_one_payer(gateway: Gateway) -> None:
    made = await asyncio.gather(*(create(gateway, order(name=f"n{n}")) for n in range(100)))

    assert len({view.payment.id for view in made}) == 100
    assert len({view.customer.id for view in made}) == 1
    assert (await list_customers(gateway, caller_of(gateway))).total == 1


async def test_request_key_repeated_at_once_makes_one_payment(gateway: Gateway) -> None:
    made = await asyncio.gather(*(create(gateway, order(request_key="key")) for _ in range(30)))

    assert len({view.payment.id for view in made}) == 1


async def test_request_key_with_another_request_is_refused_and_changes_nothing(
    gateway: Gateway,
) -> None:
    await create(gateway, order(request_key="key", name="Before"))
    with pytest.raises(RequestKeyReused):
        await create(gateway, order(request_key="key", request_hash=b"other", name="After"))

    listing = await list_customers(gateway, caller_of(gateway))
    assert [customer.name for customer in listing.items] == ["Before"]


async def test_request_key_of_another_application_is_another_key(gateway: Gateway) -> None:
    first = await create(gateway, order(request_key="key"))
    other = caller_of(gateway, OTHER_APPLICATION_ID)
    second = await create_payment(gateway, other, order(request_key="key"))

    assert second.payment.id != first.payment.id


async def test_unknown_institution_is_refused(gateway: Gateway) -> None:
    with pytest.raises(Invalid) as refused:
        await create(gateway, order(institution="21"))

    assert refused.value.field == "institution"


async def test_institution_is_known_by_code(gateway: Gateway) -> None:
    made = await create(gateway, order(institution="cic-sandbox"))

    assert (made.payment.institution_id, made.payment.country) == (7, "FR")


async def test_fee_is_quoted_at_creation(gateway: Gateway) -> None:
    other = caller_of(gateway, OTHER_APPLICATION_ID)
    made = await create_payment(gateway, other, order(minor=10_050))

    assert made.payment.fee_minor == 211  # 2 % of 100.50 is 2.01, and 0.10


async def test_other_applications_payment_is_not_found(gateway: Gateway) -> None:
    made = await create(gateway, order())
    with pytest.raises(NotFound):
        await read_payment(gateway, caller_of(gateway, OTHER_APPLICATION_ID), made.payment.id)


async def test_each_payment_has_its_creation_event(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    await asyncio.gather(*(create(gateway, order()) for _ in range(20)))

    connection = await asyncpg.connect(database_urls.owner_url)
    events = await connection.fetch(
        "SELECT count(*), count(DISTINCT subject_id) FROM events WHERE type = 'payment.created'"
    )
    await connection.close()
    assert tuple(events[0]) == (20, 20)


async def test_list_is_newest_first_with_its_total(gateway: Gateway) -> None:
    made = [await create(gateway, order(minor=n)) for n in range(1, 17)]

    listing = await list_payments(
        gateway, caller_of(gateway), PaymentFilters(), Page(number=2, size=10)
    )

    assert listing.total == 16
    assert [v.payment.id for v in listing.items] == [v.payment.id for v in reversed(made[:6])]


async def test_list_filters_by_status_and_reason(gateway: Gateway) -> None:
    await create(gateway, order())
    page = Page(number=1, size=10)
    caller = caller_of(gateway)

    pending = await list_payments(gateway, caller, PaymentFilters(statuses=[("pending", "")]), page)
    failed = await list_payments(
        gateway, caller, PaymentFilters(statuses=[("failed", "declined")]), page
    )

    assert (pending.total, failed.total) == (1, 0)
