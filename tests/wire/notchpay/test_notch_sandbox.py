"""The sandbox's numbers (contract 16), end to end at the simulated operators."""

from __future__ import annotations

import pytest

from wire.client import Client
from wire.notchpay.requests import made, processed, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The number's end, what the payment is afterwards, and why.
NUMBERED = [
    ("000", "complete", None),
    ("001", "failed", "INSUFFICIENT_BALANCE"),
    ("002", "failed", "PROVIDER_ERROR"),
    ("003", "expired", "TIMEOUT"),
    ("004", "canceled", "CANCELLED_BY_USER"),
    ("005", "processing", None),
]
#: Numbers of older documents and of clients' own tests.
OTHERS = [
    ("+237674481721", "complete"),
    ("+237656019261", "complete"),
    ("+237674000000", "failed"),
    ("+237656000000", "failed"),
    ("+237691622731", "complete"),
    ("+237650123456", "complete"),
]


@pytest.mark.parametrize("first", ["237670000", "237690000"])
@pytest.mark.parametrize(("end", "status", "why"), NUMBERED)
async def test_number_decides_at_once(
    notch: Client, first: str, end: str, status: str, why: str | None
) -> None:
    payment = await made(notch)

    said = (await processed(notch, payment["reference"], f"+{first}{end}")).json()["transaction"]

    after = await shown(notch, payment["reference"])
    assert (said["status"], after["status"]) == (status, status)
    assert after["failure_reason"] == why
    assert (after["completed_at"] is None) == (status != "complete")


@pytest.mark.parametrize(("phone", "status"), OTHERS)
async def test_other_numbers_decide_at_once(notch: Client, phone: str, status: str) -> None:
    payment = await made(notch)

    await processed(notch, payment["reference"], phone)

    assert (await shown(notch, payment["reference"]))["status"] == status
