"""Payments read and listed (contract 5.3, 6.3 and 6.6)."""

from __future__ import annotations

import pytest

from wire.client import Client
from wire.notchpay.requests import (
    made,
    processed,
    shown,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_payment_is_found_by_each_of_its_names(notch: Client) -> None:
    payment = await made(notch, reference="order_123")

    for name in (payment["reference"], payment["id"], "order_123", f"{payment['reference']}/"):
        answer = await notch.get(f"/payments/{name}?currency=XAF")
        body = answer.json()
        assert (answer.status, body["code"], body["status"]) == (200, 200, "OK")
        assert body["message"] == "Transaction retrieved"
        assert body["transaction"] == body["payment"] == payment


async def test_reference_that_looks_like_ours_is_found(notch: Client) -> None:
    payment = await made(notch, reference="trx.1234567890123456789012")

    assert (await shown(notch, "trx.1234567890123456789012"))["id"] == payment["id"]


async def test_list_is_newest_first_in_each_of_its_keys(notch: Client) -> None:
    references = [(await made(notch))["reference"] for _ in range(3)]

    body = (await notch.get("/payments?limit=2")).json()

    assert {name: body[name] for name in ("code", "status", "message")} == {
        "code": 200,
        "status": "OK",
        "message": "Payments retrieved",
    }
    totals = ("totals", "last_page", "current_page", "selected")
    assert tuple(body[name] for name in totals) == (3, 2, 1, 2)
    assert [item["reference"] for item in body["items"]] == references[:0:-1]
    assert body["items"] == body["data"] == body["transactions"]


@pytest.mark.parametrize(
    ("query", "page", "selected"),
    [
        ("", 1, 3),
        ("perpage=2", 1, 2),
        ("per_page=2&page=2", 2, 1),
        ("limit=2&page=0", 1, 2),
        ("limit=1000", 1, 3),
        ("limit=x&page=-1", 1, 3),
        ("page=9", 9, 0),
        ("nonsense=1", 1, 3),
    ],
)
async def test_pages_of_the_list(notch: Client, query: str, page: int, selected: int) -> None:
    for _ in range(3):
        await made(notch)

    body = (await notch.get(f"/payments?{query}")).json()

    assert (body["totals"], body["current_page"], body["selected"]) == (3, page, selected)


async def test_empty_list_has_one_page(notch: Client) -> None:
    body = (await notch.get("/payments")).json()

    assert (body["totals"], body["last_page"], body["selected"], body["items"]) == (0, 1, 0, [])


async def test_list_is_filtered(notch: Client) -> None:
    paid = await made(notch, reference="paid", description="blue shoes")
    await processed(notch, paid["reference"])
    await made(notch, reference="open", email="zoe@example.cm", name="Zoe")

    async def found(query: str) -> list[str]:
        items = (await notch.get(f"/payments?{query}")).json()["items"]
        return [item["merchant_reference"] for item in items]

    assert await found("status=complete") == ["paid"]
    assert await found("status=pending,complete") == ["open", "paid"]
    assert await found("status=nonsense") == []
    assert await found("channels=cm.mtn") == ["paid"]
    assert await found("channels[0]=cm.orange&channels[1]=cm.mtn") == ["paid"]
    assert await found("channels=cm.orange") == []
    assert await found("search=zoe") == ["open"]
    assert await found("search=SHOES") == ["paid"]
    assert await found("search=ope") == ["open"]
    assert await found("date_start=2020-01-01&date_end=9999-12-31") == ["open", "paid"]
    assert await found("date_end=2020-01-01") == []
    assert await found("date_start=2999-01-01T00:00:00Z") == []


async def test_search_path_of_the_older_documents_lists(notch: Client) -> None:
    await made(notch, reference="needle")
    await made(notch)

    items = (await notch.get("/payments/search?query=needle")).json()["items"]

    assert [item["trxref"] for item in items] == ["needle"]
