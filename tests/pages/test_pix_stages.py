"""Each state of a payment by Pix as its payer sees it, without JavaScript."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import timedelta
from html import unescape

import httpx2
import pytest

from guichet.domain.errors import Unavailable
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, ShowCode, TakenBack, Unknown, Waiting
from guichet.services.closing import expire_payment
from pages.reading import heading
from pages.scripted import CODE
from pages.stall import Stall

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = Done(received=Money(123450, "BRL"))


async def test_the_code_is_shown_as_a_picture_and_to_be_copied(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    page = await payer.get(path)

    assert heading(page) == "Pay John Doe with Pix"
    for words in ("R$1,234.50", "JHONDOE-42", "Time left to pay", "Pix Copia e Cola"):
        assert words in page.text
    field = re.search(r'<textarea id="code" readonly[^>]*>(.*?)</textarea>', page.text)
    assert field
    assert unescape(field.group(1)) == CODE
    picture = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', page.text)
    assert picture
    assert b64decode(picture.group(1)).startswith(b"<svg")
    assert "<form" not in page.text


async def test_the_page_of_the_code_moves_by_itself(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    page = await payer.get(path)

    assert '<noscript><meta http-equiv="refresh" content="20">' in page.text
    assert f'data-next="{path}/returned"' in page.text
    status = (await payer.get(f"{path}/status")).json()
    assert f'data-fingerprint="{status["fingerprint"]}"' in page.text
    await stall.report(path, FULL)
    assert (await payer.get(f"{path}/status")).json() != status


async def test_the_time_left_is_the_payments(stall: Stall, payer: httpx2.AsyncClient) -> None:
    path = await stall.payment(by_code=True, begun=True)
    found = re.search(r'data-left="(\d+)">([\d:]+)<', (await payer.get(path)).text)
    assert found
    seconds = int(found.group(1))
    hours, minutes, rest = map(int, found.group(2).split(":"))

    left = (await stall.of(path)).expires_at - stall.clock.now()
    assert -1 <= seconds - left.total_seconds() <= 60
    assert hours * 3600 + minutes * 60 + rest == seconds


async def test_while_the_code_is_unknown_the_page_waits(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    stall.pix.answer = Unknown(detail="time-out")
    path = await stall.payment(by_code=True, begun=True)
    page = await payer.get(path)
    assert heading(page) == "Making your Pix code"
    assert '<noscript><meta http-equiv="refresh" content="2">' in page.text
    before = (await payer.get(f"{path}/status")).json()

    await stall.report(path, Waiting(next_step=ShowCode(CODE)))
    assert (await payer.get(f"{path}/status")).json() != before
    assert CODE in unescape((await payer.get(path)).text)


async def test_a_code_that_could_not_be_made_is_asked_for_again(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    path = await stall.payment(by_code=True)
    stall.pix.answer = None
    refused = await payer.post(path)
    assert (refused.status_code, refused.headers["location"]) == (303, path)
    page = await payer.get(path)
    assert "The Pix code could not be made" in page.text
    assert "Try again" in page.text

    stall.pix.answer = Waiting(next_step=ShowCode(CODE))
    await payer.post(path)
    assert heading(await payer.get(path)) == "Pay John Doe with Pix"
    assert len({order.key for order in stall.pix.orders}) == 2


async def test_the_merchants_call_that_got_no_code_leaves_the_payer_the_button(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    stall.pix.answer = None
    with pytest.raises(Unavailable):
        await stall.payment(by_code=True, begun=True)
    rows = await stall.query("SELECT id FROM payments ORDER BY id DESC LIMIT 1")
    token = stall.gateway.vault.token("checkout", rows[0]["id"].bytes)
    page = await payer.get(f"/pay/{rows[0]['id'].hex}/{token}")

    assert "Try again" in page.text


async def test_however_often_the_code_is_asked_for_there_is_one(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    path = await stall.payment(by_code=True)
    for _ in range(3):
        again = await payer.post(path)
        assert (again.status_code, again.headers["location"]) == (303, path)

    assert len(stall.pix.orders) == 1


async def test_a_code_leads_to_no_bank(stall: Stall, payer: httpx2.AsyncClient) -> None:
    path = await stall.payment(by_code=True, begun=True)
    answer = await payer.get(f"{path}/bank")

    assert (answer.status_code, answer.headers["location"]) == (303, path)


async def test_paid_by_pix(stall: Stall, payer: httpx2.AsyncClient) -> None:
    path = await stall.payment(by_code=True, begun=True)
    await stall.report(path, FULL)
    page = await payer.get(f"{path}/returned")

    assert heading(page) == "Payment completed"
    for words in ("Your payment has arrived", "R$1,234.50", "Payment method", "Pix", "UTC"):
        assert words in page.text
    assert CODE not in unescape(page.text)
    assert 'data-countdown="20"' in page.text
    assert "data-countdown" not in (await payer.get(path)).text


async def test_past_its_time_the_code_is_gone_and_nobody_says_that_nothing_was_paid(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    stall.clock.move(timedelta(days=1))
    page = await payer.get(path)
    assert heading(page) == "Checking your payment"
    assert "do not pay a second time" in page.text
    assert CODE not in unescape(page.text)

    await stall.report(path, Refused(reason=Reason.TIMED_OUT))
    assert heading(await payer.get(path)) == "Payment expired"
    await stall.report(path, FULL)
    assert heading(await payer.get(path)) == "Payment completed"


async def test_never_asked_for_a_code_expires_too(stall: Stall, payer: httpx2.AsyncClient) -> None:
    path = await stall.payment(by_code=True)
    stall.clock.move(timedelta(days=2))
    await expire_payment(stall.gateway, (await stall.of(path)).id)

    assert heading(await payer.get(path)) == "Payment expired"
    assert (await payer.post(path)).headers["location"] == path
    assert stall.pix.orders == []


@pytest.mark.parametrize(
    ("outcome", "title", "words"),
    [
        (Done(received=Money(123449, "BRL")), "The amount does not match", "Please contact"),
        (Refused(reason=Reason.WITHDRAWN), "Payment not made", "has withdrawn this payment"),
        (Refused(reason=Reason.REJECTED), "Payment not made", "Nothing was paid"),
        (Unknown(detail="cut"), "Pay John Doe with Pix", "Copy the code"),
    ],
)
async def test_other_endings(
    stall: Stall, payer: httpx2.AsyncClient, outcome: Refused | Done, title: str, words: str
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    await stall.report(path, outcome)
    page = await payer.get(path)

    assert heading(page) == title
    assert words in page.text


async def test_what_came_back_to_the_payer_stands_on_the_receipt(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    await stall.report(path, FULL)
    assert "Given back to you" not in (await payer.get(path)).text
    await stall.report(path, TakenBack(returned=Money(23450, "BRL")))
    page = await payer.get(path)
    assert heading(page) == "Payment completed"
    assert "Given back to you" in page.text
    assert "R$234.50" in page.text

    await stall.report(path, TakenBack())
    assert heading(await payer.get(path)) == "Payment taken back"


async def test_a_code_of_hostile_text_is_text(stall: Stall, payer: httpx2.AsyncClient) -> None:
    code = '</textarea><script>alert(1)</script>"'
    stall.pix.answer = Waiting(next_step=ShowCode(code))
    page = await payer.get(await stall.payment(by_code=True, begun=True))

    assert page.text.count("<script") == 1
    assert code in unescape(page.text)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("pt-BR", ("Pagar a John Doe com Pix", "R$\u00a01.234,50", "Pix Copia e Cola")),
        ("fr-FR", ("Payer John Doe avec Pix", "1\u202f234,50\u00a0R$", "Copier le code")),
        ("es-ES", ("Pagar a John Doe con Pix", "1.234,50\u00a0BRL", "Copiar el código")),
    ],
)
async def test_the_code_in_the_payers_language(
    stall: Stall, payer: httpx2.AsyncClient, language: str, words: tuple[str, ...]
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    page = await payer.get(path, headers={"accept-language": language})

    for sentence in words:
        assert sentence in page.text
