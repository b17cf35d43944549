"""The page of a link in a browser: with and without script, by keyboard, its codes read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from absent import program
from guichet.domain.money import Money
from guichet.domain.outcomes import Done
from journeys.conftest import NewPayer
from journeys.payer import Payer
from pages.offers import CPF, PERSON, filled
from pages.scripted import CODE
from pages.stall import Stall

BRAZILIAN = {"currency": "BRL", "amount_minor": 123450}
LABELS = {
    "name": "Full name",
    "phone": "Phone number",
    "street": "Street",
    "house_number": "House number",
    "zip_code": "Postal code",
    "city": "Town or city",
}


async def read_picture(png: bytes, folder: Path) -> str:
    """What an independent reader reads in a picture of a QR code."""
    reader = program("zbarimg", "zbar-tools", "no QR code was read")
    path = folder / "code.png"
    path.write_bytes(png)
    process = await asyncio.create_subprocess_exec(
        *(reader, "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    read, said = await process.communicate()
    assert process.returncode == 0, said
    return read.decode().rstrip("\n")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_picture_of_the_code_says_what_the_text_says(
    scheme: str, stall: Stall, new_payer: NewPayer, tmp_path: Path
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    async with new_payer(color_scheme=scheme) as payer:
        await payer.page.goto(stall.url(path))
        picture = await payer.page.get_by_alt_text("QR code of this payment").screenshot()
        text = await payer.page.get_by_label("Pix code to copy and paste").input_value()

        assert await read_picture(picture, tmp_path) == text == CODE


async def test_the_posters_code_leads_to_the_link(
    stall: Stall, new_payer: NewPayer, tmp_path: Path
) -> None:
    _, path = await stall.link()
    async with new_payer(color_scheme="dark") as payer:
        await payer.page.goto(stall.url(f"{path}/poster"))
        poster = await payer.page.screenshot(full_page=True)
        await payer.page.goto(stall.url(f"{path}/qr.svg"))
        alone = await payer.page.screenshot()
        payer.complaints.clear()  # a picture has no icon

        assert await read_picture(poster, tmp_path) == stall.url(path)
        assert await read_picture(alone, tmp_path) == stall.url(path)


async def test_the_code_is_copied_by_one_press(stall: Stall, new_payer: NewPayer) -> None:
    path = await stall.payment(by_code=True, begun=True)
    async with new_payer(permissions=["clipboard-read", "clipboard-write"]) as payer:
        await payer.page.goto(stall.url(path))
        await payer.press("Copy the code")
        await payer.is_told("The code was copied")
        assert await payer.page.evaluate("navigator.clipboard.readText()") == CODE


async def test_without_a_clipboard_the_code_is_copied_too(
    stall: Stall, new_payer: NewPayer
) -> None:
    path = await stall.payment(by_code=True, begun=True)
    async with new_payer(permissions=["clipboard-read"]) as payer:
        await payer.page.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
        )
        await payer.page.goto(stall.url(path))
        await payer.press("Copy the code")
        await payer.is_told("The code was copied")


async def test_the_page_of_the_code_follows_the_payment(stall: Stall, new_payer: NewPayer) -> None:
    path = await stall.payment(by_code=True, begun=True)
    async with new_payer() as payer:
        await payer.page.goto(stall.url(path))
        await payer.sees("Pay John Doe with Pix")
        await stall.report(path, Done(received=Money(123450, "BRL")))
        await payer.sees("Payment completed")
        await payer.is_told("You will return to Tests in")
        assert payer.page.url.endswith("/returned")


async def test_the_time_left_runs(stall: Stall, new_payer: NewPayer) -> None:
    path = await stall.payment(by_code=True, begun=True)
    async with new_payer() as payer:
        await payer.page.clock.install()
        await payer.page.goto(stall.url(path))
        left = payer.page.locator("[data-left]")
        seconds = int(await left.get_attribute("data-left") or 0)
        await payer.page.clock.run_for(61_000)
        shown = (await left.inner_text()).split(":")
        passed = seconds - sum(int(part) * 60**power for power, part in enumerate(shown[::-1]))

        assert 60 <= passed <= 62


async def _fill_in(payer: Payer, **values: str) -> None:
    await payer.page.get_by_label("E-mail address").fill("payer@example.com")
    for name, text in values.items():
        if name in LABELS and text:
            await payer.page.get_by_label(LABELS[name]).fill(text)
    if "country" in values:
        country = payer.page.get_by_label("Country", exact=True)
        await country.select_option(values["country"])


@pytest.mark.parametrize("script", [True, False])
async def test_everything_filled_in(script: bool, stall: Stall, new_payer: NewPayer) -> None:
    link, path = await stall.link(
        rails=("open_banking", "pix"), customer_data="full_customer", **BRAZILIAN
    )
    async with new_payer(java_script_enabled=script) as payer:
        await payer.page.goto(stall.url(path))
        await _fill_in(payer, **PERSON)
        await payer.page.get_by_label("Pix").check()
        await expect(payer.page.get_by_label("Name of your bank")).to_be_hidden()
        await payer.page.get_by_label("CPF or CNPJ").fill(CPF)
        await payer.press("Pay R$1,234.50")
        await payer.sees("Pay John Doe with Pix")

    (payment,) = await stall.payments_of(link)
    customer = await stall.customer(payment["customer_id"])
    assert {name: getattr(customer, name) or "" for name in PERSON} == PERSON


async def test_without_script_a_bank_is_found_by_the_button(
    stall: Stall, new_payer: NewPayer
) -> None:
    _, path = await stall.link()
    async with new_payer(java_script_enabled=False) as payer:
        await payer.page.goto(stall.url(path))
        await _fill_in(payer)
        await payer.page.get_by_label("Country of your bank").select_option("")
        await payer.page.get_by_label("Name of your bank").fill("cic")
        await payer.press("Find my bank")
        await expect(payer.page.locator("[name=bank]")).to_have_count(1)
        await expect(payer.page.get_by_label("E-mail address")).to_have_value("payer@example.com")
        await payer.page.get_by_label("CIC Sandbox").check()
        await payer.page.route("https://bank.example/**", lambda route: route.fulfill(body="Bank"))
        await payer.press("Pay £350.41")
        await payer.page.wait_for_url("https://bank.example/**")


async def test_with_script_the_banks_follow_what_is_typed(
    stall: Stall, new_payer: NewPayer
) -> None:
    _, path = await stall.link()
    async with new_payer() as payer:
        page = payer.page
        await page.goto(stall.url(path))
        banks = page.locator("[name=bank]")
        await expect(banks).to_have_count(2)
        await expect(page.get_by_role("button", name="Find my bank")).to_be_hidden()
        await page.get_by_label("NatWest Sandbox").check()
        await page.get_by_label("Name of your bank").press_sequentially("nat")
        await expect(banks).to_have_count(1)
        await expect(page.get_by_label("NatWest Sandbox")).to_be_checked()
        await page.get_by_label("Name of your bank").fill("zzz")
        await payer.is_told("No bank was found")
        await page.get_by_label("Name of your bank").fill("")
        await expect(banks).to_have_count(2)
        await expect(page.get_by_label("NatWest Sandbox")).to_be_checked()
        await page.get_by_label("Country of your bank").select_option("FR")
        await expect(page.get_by_label("CIC Sandbox")).to_be_visible()
        await page.get_by_label("Name of your bank").press("Enter")
        await payer.sees("Iphone 14 Pro")  # the form was not sent
        assert page.url == stall.url(path)


async def test_the_summary_of_problems_has_the_focus_and_leads_to_the_fields(
    stall: Stall, new_payer: NewPayer
) -> None:
    _, path = await stall.link(customer_data="name")
    async with new_payer() as payer:
        await payer.page.goto(stall.url(path))
        await payer.press("Pay £350.41")
        summary = payer.page.get_by_role("alert")
        await expect(summary).to_be_focused()
        await payer.page.get_by_role("link", name="Enter your full name").click()
        await expect(payer.page.get_by_label("Full name")).to_be_focused()
        described = await payer.page.get_by_label("Full name").get_attribute("aria-describedby")
        assert described
        await expect(payer.page.locator(f"#{described.strip()}")).to_have_text(
            "Enter your full name"
        )
        payer.complaints.clear()  # the form with mistakes is answered by 422


async def test_by_keyboard_alone(stall: Stall, new_payer: NewPayer) -> None:
    _, path = await stall.link(amount_minor=None)
    async with new_payer() as payer:
        keys = payer.page.keyboard
        await payer.page.goto(stall.url(path))
        await keys.press("Tab")
        await keys.type("12.50")
        await keys.press("Tab")
        await keys.type("payer@example.com")
        for _ in range(3):
            await keys.press("Tab")
        await keys.press("Space")
        await expect(payer.page.get_by_label("Modelo Sandbox")).to_be_checked()
        await keys.press("Enter")
        await payer.sees("Is this the right amount?")
        await payer.is_told("£12.50")
        await payer.page.route("https://bank.example/**", lambda route: route.fulfill(body="Bank"))
        await keys.press("Tab")
        await keys.press("Enter")
        await payer.page.wait_for_url("https://bank.example/**")


async def test_two_presses_are_one_payment(stall: Stall, new_payer: NewPayer) -> None:
    link, path = await stall.link(rails=("pix",), **BRAZILIAN)
    async with new_payer() as payer:
        await payer.page.goto(stall.url(path))
        await _fill_in(payer, name="Maria")
        await payer.page.get_by_label("CPF or CNPJ").fill(CPF)
        await payer.page.get_by_role("button", name="Pay R$1,234.50").dblclick()
        await payer.sees("Pay John Doe with Pix")

    assert len(await stall.payments_of(link)) == 1
    assert len(stall.pix.orders) == 1


async def test_back_from_the_payment_the_link_shows_it(stall: Stall, new_payer: NewPayer) -> None:
    link, path = await stall.link(rails=("pix",), **BRAZILIAN)
    async with new_payer() as payer:
        await payer.page.goto(stall.url(path))
        await _fill_in(payer, name="Maria")
        await payer.page.get_by_label("CPF or CNPJ").fill(CPF)
        await payer.press("Pay R$1,234.50")
        await payer.sees("Pay John Doe with Pix")
        await payer.page.goto(stall.url(path))
        await payer.sees("You have a payment under way")
        await payer.page.get_by_role("link", name="Go on with this payment").click()
        await payer.sees("Pay John Doe with Pix")

    assert len(await stall.payments_of(link)) == 1


async def test_no_other_site_reads_or_frames_the_page(stall: Stall, new_payer: NewPayer) -> None:
    _, path = await stall.link()
    async with new_payer() as payer:
        await payer.page.goto(stall.url(path))
        answer = await payer.page.request.get(stall.url(path))
        assert answer.headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in answer.headers
        sent = await payer.page.request.post(
            stall.url(path), form=dict(filled()), max_redirects=0, headers={"origin": "null"}
        )
        cookies = await payer.page.context.cookies(stall.url(path))

    assert sent.status == 303
    assert json.dumps(cookies).count('"payment"') == 1
    assert (cookies[0]["httpOnly"], cookies[0]["sameSite"], cookies[0]["path"]) == (
        True, "Lax", path,
    )  # fmt: skip
