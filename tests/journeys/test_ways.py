"""The ways in which payers use their browsers."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, expect

from conftest import DatabaseUrls
from journeys.conftest import NewPayer
from journeys.house import House, Shop, opened_house, until
from journeys.payer import Payer, a_payer
from outbound.listeners import answer, listening

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'"


async def test_two_tabs_lead_to_one_authorisation(house: House, payer: Payer) -> None:
    payment = await house.create()
    second = Payer(await payer.page.context.new_page())
    await payer.open(payment)
    await second.open(payment)
    await asyncio.gather(payer.go_to_bank(), second.go_to_bank())
    assert payer.page.url == second.page.url

    await payer.accept()
    await payer.sees("Payment completed")
    await second.page.go_back()
    await second.sees("Payment completed")
    assert len(await house.bank_consents()) == 1
    assert len(await house.bank_payments()) == 1


async def test_an_open_tab_follows_what_happens_in_another(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.go_to_bank()
    watcher = Payer(await payer.page.context.new_page())
    await watcher.open(payment)
    await watcher.sees("Approve the payment at Modelo Sandbox")
    await payer.accept()

    await watcher.sees("Payment completed")


async def test_reload_on_every_page(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.page.reload()
    await payer.go_to_bank()
    address = payer.page.url
    await payer.page.reload()
    await payer.review()
    await payer.page.reload()
    await payer.press("Accept")
    await payer.sees("Payment completed")
    await payer.page.reload()
    await payer.sees("Payment completed")

    assert address.endswith(address.rsplit("/", 1)[1])
    assert len(await house.bank_consents()) == 1
    assert len(await house.bank_payments()) == 1


async def test_back_from_the_bank_and_there_again(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    await payer.go_to_bank()
    address = payer.page.url
    await payer.page.go_back()
    await payer.sees("Approve the payment at Modelo Sandbox")
    await payer.go_to_bank()
    assert payer.page.url == address
    await payer.accept()
    await payer.sees("Payment completed")
    await payer.page.go_back()
    await expect(payer.page.locator("h1")).not_to_have_text("Confirm the payment")

    assert len(await house.bank_consents()) == 1
    assert len(await house.bank_payments()) == 1


async def test_a_bank_elsewhere_is_reached_over_a_page_of_ours(
    database_urls: DatabaseUrls, browser: Browser
) -> None:
    async with opened_house(database_urls, "localhost") as house, a_payer(browser) as payer:
        payment = await house.create()
        await payer.open(payment)
        assert payer.page.url.startswith("http://127.0.0.1:")
        await payer.go_to_bank()
        assert payer.page.url.startswith("http://localhost:")
        await payer.page.go_back()
        await payer.sees("Approve the payment at Modelo Sandbox")
        await payer.go_to_bank()
        await payer.accept()
        await payer.sees("Payment completed")

        assert payer.page.url.startswith("http://127.0.0.1:")


async def test_without_javascript(house: House, shop: Shop, new_payer: NewPayer) -> None:
    payment = await house.create(shop)
    async with new_payer(java_script_enabled=False) as payer:
        await payer.open(payment)
        await payer.go_to_bank()
        await payer.accept("timeout")
        await payer.sees("Checking with your bank")
        house.pass_time(seconds=60)
        await payer.sees("Payment completed")
        await payer.page.get_by_role("link", name="Return to Tests").click()
        await payer.sees("Thanks")

    assert shop.visits == [f"payment_id={payment['id']}&status=completed&reference=JHONDOE-42"]


async def test_without_javascript_and_a_slow_beginning(house: House, new_payer: NewPayer) -> None:
    payment = await house.create()
    await house.control("POST", "faults", operation="create_authorisation", kind="drop")
    async with new_payer(java_script_enabled=False) as payer:
        await payer.open(payment)
        await payer.press("Continue to Modelo Sandbox")
        await payer.sees("Connecting to Modelo Sandbox")
        house.pass_time(seconds=30)
        await payer.is_told("could not be reached")
        await payer.go_to_bank("Try again")


async def test_on_the_narrowest_phone(house: House, shop: Shop, new_payer: NewPayer) -> None:
    payment = await house.create(shop, reference="W" * 40)
    async with new_payer(viewport={"width": 320, "height": 568}, has_touch=True) as payer:
        await payer.open(payment)
        await _fits(payer)
        await payer.go_to_bank()
        await _fits(payer)
        await payer.review()
        await _fits(payer)
        await payer.press("Accept")
        await payer.sees("Payment completed")
        await _fits(payer)


async def _fits(payer: Payer) -> None:
    """Nothing scrolls sideways, and whatever can be pressed is large enough for a finger."""
    assert await payer.page.evaluate("document.documentElement.scrollWidth") <= 320
    small = await payer.page.evaluate(
        """[...document.querySelectorAll("button, .button, input:not([type=hidden])")]
        .filter(each => each.checkVisibility())
        .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
        .filter(([, box]) => box.height < 24 || box.width < 24).map(([name]) => name)"""
    )
    assert [name for name in small if name] == []


async def test_by_keyboard_alone(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    keys = payer.page.keyboard
    await keys.press("Tab")
    outline = await payer.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    await keys.press("Enter")
    await payer.page.wait_for_url("**/simulators/**")
    await payer.page.get_by_label("User name").focus()
    await keys.type("mits")
    await keys.press("Tab")
    await keys.type("mits")
    await keys.press("Enter")
    await payer.sees("Pay from which account?")
    await _press_by_keyboard(payer, "Continue")
    await payer.sees("Confirm the payment")
    await _press_by_keyboard(payer, "Accept")

    await payer.sees("Payment completed")


async def _press_by_keyboard(payer: Payer, name: str) -> None:
    for _ in range(20):
        await payer.page.keyboard.press("Tab")
        if await payer.page.evaluate("document.activeElement.textContent.trim()") == name:
            await payer.page.keyboard.press("Enter")
            return
    pytest.fail(f"{name} cannot be reached by keyboard")


@pytest.mark.parametrize(
    ("locale", "pay", "button", "paid", "amount"),
    [
        ("fr-FR", "Payer John Doe", "Continuer vers Modelo Sandbox", "Paiement effectué", "350,41"),
        ("es-ES", "Pagar a John Doe", "Continuar a Modelo Sandbox", "Pago realizado", "350,41"),
        (
            "pt-BR",
            "Pagar a John Doe",
            "Continuar para Modelo Sandbox",
            "Pagamento concluído",
            "350,41",
        ),
    ],
)
async def test_in_another_language(
    house: House, new_payer: NewPayer, locale: str, pay: str, button: str, paid: str, amount: str
) -> None:
    payment = await house.create()
    async with new_payer(locale=locale) as payer:
        await payer.open(payment)
        await payer.sees(pay)
        await payer.is_told(amount)
        assert await payer.page.locator("html").get_attribute("lang") == locale[:2]
        await payer.go_to_bank(button)
        await payer.accept()
        await payer.sees(paid)


async def test_the_way_back_opens_by_itself_and_can_be_stayed(
    house: House, shop: Shop, payer: Payer
) -> None:
    await payer.page.clock.install()
    payment = await house.create(shop)
    await payer.open(payment)
    await payer.go_to_bank()
    await payer.accept()
    await _completed_under_its_own_clock(payer)
    await payer.is_told("You will return to Tests in")
    await payer.press("Stay on this page")
    await payer.page.clock.run_for(60_000)
    await payer.sees("Payment completed")

    await payer.page.reload()
    await payer.page.clock.run_for(21_000)
    await payer.sees("Thanks")
    assert shop.visits == [f"payment_id={payment['id']}&status=completed&reference=JHONDOE-42"]


async def _completed_under_its_own_clock(payer: Payer) -> None:
    async def look() -> str:
        await payer.page.clock.run_for(1_000)
        return await payer.page.locator("h1").inner_text()

    await until(look, lambda heading: heading == "Payment completed")


async def test_a_double_click_is_one_click(house: House, payer: Payer) -> None:
    payment = await house.create()
    await payer.open(payment)
    posts: list[str] = []
    payer.page.on(
        "request", lambda request: posts.append(request.url) if request.method == "POST" else None
    )
    await payer.page.get_by_role("button").dblclick()
    await payer.page.wait_for_url("**/simulators/**")

    assert len(posts) == 1


async def test_another_sites_form_starts_nothing(house: House, payer: Payer) -> None:
    payment = await house.create()
    form = f'<form method=post action="{payment["authorisationUrl"]}"><button>Win</button></form>'
    page = f"<!doctype html><link rel=icon href=data:,>{form}".encode()
    async with listening(answer(headers="content-type: text/html\r\n", body=page)) as elsewhere:
        await payer.page.goto(f"http://localhost:{elsewhere.port}/")
        await payer.press("Win")
        await payer.sees("This cannot be done")
    payer.complaints.clear()  # the browser rightly notes the 403

    assert await house.bank_consents() == []


async def test_no_other_site_can_frame_the_page(house: House, payer: Payer) -> None:
    payment = await house.create()
    page = f'<!doctype html><link rel=icon href=data:,><iframe src="{payment["authorisationUrl"]}">'
    body = page.encode()
    async with listening(answer(headers="content-type: text/html\r\n", body=body)) as elsewhere:
        await payer.page.goto(f"http://localhost:{elsewhere.port}/")

        async def complaints() -> list[str]:
            return payer.complaints

        await until(complaints, lambda said: any("frame-ancestors" in each for each in said))
    payer.complaints.clear()


async def test_hostile_text_never_runs(house: House, payer: Payer) -> None:
    alerts: list[str] = []

    async def dismiss(dialog: object) -> None:
        alerts.append(str(dialog))

    payer.page.on("dialog", dismiss)
    payment = await house.create(
        reference=HOSTILE,
        customer={"email": "a@b.example", "name": HOSTILE, "country": "GB", "city": HOSTILE},
    )
    await payer.open(payment)
    await payer.is_told(HOSTILE)
    await payer.go_to_bank()
    await payer.accept()
    await payer.sees("Payment completed")
    await payer.is_told(HOSTILE)

    assert alerts == []
