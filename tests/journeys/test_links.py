"""The stories of payment links and of Pix: a whole server, simulated banks, payers' browsers."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import expect

from conftest import DatabaseUrls
from guichet.bootstrap import SIMULATORS_PATH
from journeys.conftest import NewPayer
from journeys.house import House, Shop, opened_house, until
from journeys.payer import Payer, Wallet

CPF = "529.982.247-25"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
IN_REAIS = {"currency": "BRL", "amount": 122.44}


@pytest_asyncio.fixture(loop_scope="session")
async def house(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[House]:
    async with opened_house(database_urls, folder=tmp_path) as opened:
        yield opened


async def a_wallet(house: House, payer: Payer) -> Wallet:
    page = await payer.page.context.new_page()
    return Wallet(page, f"{house.base_url}{SIMULATORS_PATH}/pix/wallet")


async def test_a_link_paid_from_a_bank_account(
    house: House, shop: Shop, new_payer: NewPayer
) -> None:
    ends = {"success_url": shop.url, "error_url": shop.url}
    link = await house.publish(
        description="Iphone 14 Pro reconditionné",
        reference="NEOPAY-IPHONE",
        request_customer_data="name",
        settings={"requestCustomerData": True, "theme": {"selected": "green"}},
        services=["api"],
        callback_url=shop.url,
        **ends,
    )
    async with new_payer(**PHONE) as payer:
        await payer.visit(link)
        await payer.sees("Iphone 14 Pro")
        for words in ("£350.41", "reconditionné", "NEOPAY-IPHONE"):
            await payer.is_told(words)
        await payer.fill(**{"E-mail_address": "payer@example.com", "Full_name": "Zoë Doe"})
        await payer.fill(Name_of_your_bank="modelo")
        await payer.choose("Modelo Sandbox")
        await payer.press("Pay £350.41")
        await payer.page.wait_for_url("**/simulators/**")
        await payer.accept()
        await payer.sees("Payment completed")
        await payer.is_told("Iphone 14 Pro")
        await payer.page.get_by_role("link", name="Return to Tests").click()
        await payer.sees("Thanks")

        await payer.visit(link)
        await payer.sees("You have paid this already")
        await payer.page.get_by_role("link", name="See the receipt").click()
        await payer.sees("Payment completed")

    (payment,) = await house.payments()
    assert (payment["status"], payment["amount"]) == ("completed", 350.41)
    assert payment["reference"] == "NEOPAY-IPHONE"
    await shop.has_heard("completed")
    assert shop.visits == [f"payment_id={payment['id']}&status=completed&reference=NEOPAY-IPHONE"]
    assert await house.books() == {"rail_float": 35041, "merchant_available": 35041}


async def test_a_link_paid_by_scanning_its_code(house: House, new_payer: NewPayer) -> None:
    link = await house.publish(services=["pix"], **IN_REAIS)
    async with new_payer() as payer:
        await payer.visit(link)
        await payer.fill(
            **{
                "E-mail_address": "maria@example.com",
                "Full_name": "Maria Souza",
                "CPF_or_CNPJ": CPF,
            }
        )
        await payer.press("Pay R$122.44")
        await payer.sees("Pay John Doe with Pix")
        picture = await payer.page.get_by_alt_text("QR code of this payment").screenshot()
        wallet = await a_wallet(house, payer)
        await wallet.read(picture=picture)
        await expect(wallet.page.locator("main")).to_contain_text("122.44")
        await wallet.pay()

        await payer.sees("Payment completed")
        await payer.is_told("Your payment has arrived")

    (payment,) = await house.payments()
    assert (payment["status"], payment["amount"]) == ("completed", 122.44)
    assert await house.books() == {"rail_float": 12244, "merchant_available": 12244}


async def test_a_brazilian_integrators_code(house: House, payer: Payer) -> None:
    made = await house.create(
        serviceId="pix",
        payment={"amount": 122.44, "currency": "BRL"},
        customer={
            "name": "Maria Souza", "email": "maria@example.com", "country": "BR", "tax_number": CPF,
        },
    )  # fmt: skip
    assert base64.b64decode(made["qr_code_image"].partition(",")[2]).startswith(b"<svg")
    wallet = await a_wallet(house, payer)
    await wallet.read(code=made["qr_code"])
    await wallet.pay()

    await house.becomes(made, "completed")


async def test_in_portuguese_by_copy_and_paste_any_amount(
    house: House, new_payer: NewPayer
) -> None:
    link = await house.publish(
        services=["pix"], currency="BRL", amount_type="flexible", amount=None, product="Doação"
    )
    async with new_payer(locale="pt-BR", **PHONE) as payer:
        await payer.visit(link)
        await payer.fill(
            **{
                "E-mail": "maria@example.com",
                "Nome_completo": "Maria Souza",
                "CPF_ou_CNPJ": CPF,
                "Valor_em_BRL": "1.234,50",
            }
        )
        await payer.press("Continuar")
        await payer.is_told("sem separadores de milhares")
        payer.complaints.clear()  # a form with mistakes is answered by 422
        await payer.fill(Valor_em_BRL="1234,5")
        await payer.press("Continuar")
        await payer.sees("Este é o valor certo?")
        await payer.is_told("R$\u00a01.234,50")
        await payer.press("Pagar R$\u00a01.234,50")
        await payer.sees("Pagar a John Doe com Pix")
        code = await payer.page.get_by_label("Código Pix Copia e Cola").input_value()
        await house.psp("POST", "pay", code=code)

        await payer.sees("Pagamento concluído")


async def test_too_little_by_pix_needs_a_person(house: House, payer: Payer) -> None:
    link = await house.publish(services=["pix"], **IN_REAIS)
    await payer.visit(link)
    await payer.fill(
        **{"E-mail_address": "m@example.com", "Full_name": "Maria", "CPF_or_CNPJ": CPF}
    )
    await payer.press("Pay R$122.44")
    await payer.sees("Pay John Doe with Pix")
    code = await payer.page.get_by_label("Pix code to copy and paste").input_value()
    await house.psp("POST", "pay", code=code, scenario="less")
    await payer.sees("The amount does not match")

    await payer.visit(link)
    await payer.sees("You have a payment under way")
    assert set(await house.books()) == {"rail_float", "suspense"}


async def test_a_code_whose_making_was_lost_comes_all_the_same(house: House, payer: Payer) -> None:
    link = await house.publish(services=["pix"], **IN_REAIS)
    await house.psp("POST", "faults", operation="put_cob", kind="drop", when="after")
    await payer.visit(link)
    await payer.fill(
        **{"E-mail_address": "m@example.com", "Full_name": "Maria", "CPF_or_CNPJ": CPF}
    )
    await payer.press("Pay R$122.44")
    await payer.sees("Pay John Doe with Pix")

    assert len(await house.payments()) == 1
    assert len((await house.psp("GET", "state"))["charges"]) == 1


async def test_one_of_two_services_is_chosen(house: House, new_payer: NewPayer) -> None:
    link = await house.publish(services=["api", "pix"])
    async with new_payer(java_script_enabled=False, **PHONE) as payer:
        await payer.visit(link)
        await payer.fill(**{"E-mail_address": "payer@example.com"})
        await payer.choose("From your bank account")
        await payer.choose("Modelo Sandbox")
        await payer.press("Pay £350.41")
        await payer.page.wait_for_url("**/simulators/**")
        await payer.accept()
        await payer.sees("Payment completed")

    (payment,) = await house.payments()
    assert payment["institution"]["id"] == 20


async def test_refused_at_the_bank_then_paid_from_the_same_link(house: House, payer: Payer) -> None:
    link = await house.publish(services=["api"])
    await payer.visit(link)
    await payer.fill(**{"E-mail_address": "payer@example.com"})
    await payer.choose("Modelo Sandbox")
    await payer.press("Pay £350.41")
    await payer.review()
    await payer.press("Refuse")
    await payer.sees("Payment not made")
    await payer.page.get_by_role("link", name="Pay again").click()
    await payer.sees("Iphone 14 Pro")
    await payer.fill(**{"E-mail_address": "payer@example.com"})
    await payer.choose("Modelo Sandbox")
    await payer.press("Pay £350.41")
    await payer.accept()
    await payer.sees("Payment completed")

    assert [payment["status"] for payment in await house.payments()] == ["completed", "declined"]


async def test_a_link_for_one_meets_two_payers(
    house: House, payer: Payer, new_payer: NewPayer
) -> None:
    link = await house.publish(services=["api"], payments_limit=1)
    async with new_payer() as late:
        await late.visit(link)
        await payer.visit(link)
        for one in (payer, late):
            await one.fill(**{"E-mail_address": "payer@example.com"})
            await one.choose("Modelo Sandbox")
            await one.press("Pay £350.41")
        await late.sees("This payment link has been used")
        late.complaints.clear()  # answered by 410
        await payer.accept()
        await payer.sees("Payment completed")

    assert len(await house.payments()) == 1


async def test_a_closed_link_is_closed_for_the_next_one(house: House, payer: Payer) -> None:
    link = await house.publish()
    await payer.visit(link)
    await payer.sees("Iphone 14 Pro")
    reply = await house.client.patch(f"/api/links/{link['id']}/close")
    assert reply.status_code == 200
    await payer.page.reload()
    await payer.sees("This payment link is closed")
    payer.complaints.clear()  # answered by 410

    async def made() -> list[dict[str, Any]]:
        return await house.payments()

    assert await until(made, lambda payments: not payments) == []
