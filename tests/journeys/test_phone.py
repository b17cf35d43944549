"""A customer's phone in a real browser: keyboard alone, no script, the narrowest screen.

The simulated operator is asked over its own API, as a merchant would.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from rails.mobile.stage import CREDENTIALS, simulator

PHONE = "237690000100"
_WIDTH = 320


@pytest.fixture(scope="module")
def operator() -> Iterator[str]:
    with simulator() as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, operator: str) -> AsyncIterator[Page]:
    """A browser page without script; it must report nothing that its policy forbids."""
    httpx2.post(f"{operator}/_control/reset", json={}, trust_env=False)
    context = await browser.new_context(
        viewport={"width": _WIDTH, "height": 640}, java_script_enabled=False, locale="fr-CM"
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    await context.close()
    assert complaints == []


def _ask(operator: str, amount: str = "5000") -> str:
    key = str(uuid.uuid4())
    answer = httpx2.post(
        f"{operator}/gsma/cm.orange/transactions/type/merchantpay",
        auth=(CREDENTIALS.user, CREDENTIALS.secret),
        headers={"X-API-Key": CREDENTIALS.key, "X-CorrelationID": key},
        json={
            "amount": amount,
            "currency": "XAF",
            "debitParty": [{"key": "msisdn", "value": f"+{PHONE}"}],
            "descriptionText": "Commande 42",
        },
        trust_env=False,
    )
    assert answer.status_code == 202
    return key


def _status(operator: str, key: str) -> str:
    state = httpx2.get(f"{operator}/_control/state", trust_env=False).json()
    return next(str(each["status"]) for each in state["requests"] if each["key"] == key)


async def test_a_customer_pays_with_the_keyboard_alone(page: Page, operator: str) -> None:
    key = _ask(operator)
    await page.goto(f"{operator}/phone")
    await page.locator("#number:focus").wait_for()
    await page.keyboard.type("690 000 100")
    await page.keyboard.press("Enter")
    await page.get_by_text("vous demande de payer").wait_for()
    await page.locator("#pin:focus").wait_for()
    assert "5\u202f000\u00a0FCFA" in await page.locator(".ussd").inner_text()
    await page.keyboard.type("9999")
    await page.keyboard.press("Enter")
    await page.get_by_text("2 essais restants").wait_for()
    await page.locator("#pin:focus").wait_for()
    await page.keyboard.type("1234")
    await page.keyboard.press("Enter")
    await page.get_by_text("Le paiement a été fait.").wait_for()
    assert _status(operator, key) == "completed"
    assert "−5\u202f000\u00a0FCFA" in await page.locator(".entries").inner_text()


async def test_a_customer_refuses_with_the_keyboard_alone(page: Page, operator: str) -> None:
    key = _ask(operator)
    await page.goto(f"{operator}/phone/{PHONE}")
    await page.locator("#pin:focus").wait_for()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_text("Vous avez refusé le paiement.").wait_for()
    assert _status(operator, key) == "failed"


async def test_an_idle_phone_rings_by_itself(page: Page, operator: str) -> None:
    await page.goto(f"{operator}/phone/{PHONE}")
    await page.get_by_text("Aucune demande n’attend.").wait_for()
    _ask(operator)
    await page.get_by_text("vous demande de payer").wait_for()


@pytest.mark.parametrize("path", ["/phone", f"/phone/{PHONE}", "/phone/237690000015"])
async def test_nothing_is_wider_than_a_small_phone(page: Page, operator: str, path: str) -> None:
    _ask(operator, "1000000")
    await page.goto(f"{operator}{path}")
    assert await page.evaluate("document.documentElement.scrollWidth") <= _WIDTH
