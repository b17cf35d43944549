"""Nothing of what merchants and payers write runs, loads anything or leads anywhere (G12)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from playwright.async_api import Request

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, ShowCode, Waiting
from journeys.conftest import NewPayer
from journeys.payer import Payer
from pages.offers import CPF, PERSON, filled
from pages.payloads import PAYLOADS
from pages.stall import Stall

_GROUPS = 6
#: A form with mistakes is answered by 422; opened alone, a picture has no icon of its page.
_MEANT = re.compile("status of (422|404)")


@asynccontextmanager
async def watched(new_payer: NewPayer, stall: Stall) -> AsyncIterator[tuple[Payer, list[str]]]:
    """A payer, and all that happened to them which must not."""
    events: list[str] = []
    base_url = stall.gateway.settings.base_url

    def asked(request: Request) -> None:
        if not request.url.startswith((base_url, "data:")):
            events.append(f"asked for {request.url}")

    async with new_payer() as payer:
        page = payer.page
        await page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('violation', "
            "e.violatedDirective, e.sample))"
        )
        page.on("request", asked)
        page.on("dialog", lambda dialog: events.append(f"said {dialog.message}"))
        page.on("download", lambda download: events.append(f"loaded {download.url}"))
        page.context.on("page", lambda other: events.append(f"opened {other.url}"))
        yield payer, events
        payer.complaints[:] = [text for text in payer.complaints if not _MEANT.search(text)]


async def _ran(payer: Payer) -> bool:
    await payer.page.keyboard.press("Tab")
    ran: bool = await payer.page.evaluate("'ran' in window || document.querySelector('base')")
    return ran


@asynccontextmanager
async def renamed(stall: Stall, name: str) -> AsyncIterator[None]:
    """The merchant and the payee have this name meanwhile."""
    connection = await asyncpg.connect(stall.database_url)
    try:
        await connection.execute("UPDATE applications SET name = $1", name)
        await connection.execute("UPDATE payees SET name = $1", name)
        await stall.gateway.access.refresh()
        yield
    finally:
        await connection.execute("UPDATE applications SET name = 'Tests'")
        await connection.execute("UPDATE payees SET name = 'John Doe'")
        await connection.close()
        await stall.gateway.access.refresh()


def _form(payload: str) -> dict[str, str]:
    """A form in which the payer wrote the payload everywhere."""
    return dict.fromkeys(
        (*PERSON, "email", "rail", "bank", "tax_number", "search", "bank_country", "amount",
         "nonce", "understood", "do"), payload,
    )  # fmt: skip


async def _submit(payer: Payer, url: str, form: dict[str, str]) -> None:
    """Send a form as the browser does, so that the answer is shown."""
    await payer.page.evaluate(
        """([url, form]) => {
            const sent = document.createElement("form");
            sent.method = "post";
            sent.action = url;
            for (const [name, value] of Object.entries(form)) {
                const field = document.createElement("textarea");
                field.name = name;
                field.value = value;
                sent.append(field);
            }
            document.body.append(sent);
            sent.submit();
        }""",
        [url, form],
    )
    await payer.page.wait_for_load_state()


@pytest.mark.parametrize("group", range(_GROUPS))
async def test_payloads(group: int, stall: Stall, new_payer: NewPayer) -> None:
    payloads: Sequence[str] = PAYLOADS[group::_GROUPS]
    assert len(PAYLOADS) == 60
    async with watched(new_payer, stall) as (payer, events):
        for payload in payloads:
            async with renamed(stall, payload):
                _, path = await stall.link(
                    product=payload,
                    description=payload,
                    reference=payload,
                    success_url=payload,
                    error_url=payload,
                    customer_data="full_customer",
                    shows_payee=True,
                    settings={"theme": {"selected": payload, "logo": payload}},
                )
                await payer.page.goto(stall.url(path))
                assert not await _ran(payer)
                await _submit(payer, stall.url(path), _form(payload))
                await payer.is_told("Please check what you entered")
                assert not await _ran(payer)
    assert events == []


async def test_the_payments_own_pages(stall: Stall, new_payer: NewPayer) -> None:
    everything = " ".join(PAYLOADS)
    async with watched(new_payer, stall) as (payer, events), renamed(stall, everything):
        stall.pix.answer = Waiting(next_step=ShowCode(everything))
        path = await stall.payment(by_code=True, begun=True, reference=everything)
        await payer.page.goto(stall.url(path))
        assert await payer.page.locator("textarea").input_value() == everything.replace("\r", "")
        assert not await _ran(payer)
        await stall.report(path, Done(received=Money(123450, "BRL")))
        await payer.page.goto(stall.url(path))
        await payer.is_told("Payment number")
        assert not await _ran(payer)
    assert events == []


async def test_the_pages_of_a_handset(stall: Stall, new_payer: NewPayer) -> None:
    everything = " ".join(PAYLOADS)
    async with watched(new_payer, stall) as (payer, events), renamed(stall, everything):
        path = await stall.handset_payment()
        await payer.page.goto(stall.url(path))
        assert not await _ran(payer)
        for payload in PAYLOADS:
            form = {"channel": payload, "phone": payload, "do": payload, "nonce": payload}
            async with payer.page.expect_navigation():
                await _submit(payer, stall.url(path), form)
            assert not await _ran(payer)
    assert events == []


async def test_the_links_other_pages(stall: Stall, new_payer: NewPayer) -> None:
    everything = " ".join(PAYLOADS)
    async with watched(new_payer, stall) as (payer, events), renamed(stall, everything):
        _, path = await stall.link(
            product=everything, description=everything, amount_minor=None, customer_data="name"
        )
        form = filled(name="<script>window.ran=1</script>", amount="5", tax_number=CPF)
        await payer.page.goto(stall.url(path))
        await _submit(payer, stall.url(path), form)
        await payer.is_told("£5.00")
        assert not await _ran(payer)
        await payer.page.goto(stall.url(f"{path}/poster"))
        assert not await _ran(payer)
        await payer.page.goto(stall.url(f"{path}/qr.svg"))
        assert not await payer.page.evaluate("'ran' in window")
        await payer.page.request.post(
            stall.url(path), form={**form, "understood": "500"}, max_redirects=0
        )
        await payer.page.goto(stall.url(path))
        await payer.sees("You have a payment under way")
        assert not await _ran(payer)
    assert events == []


async def test_a_payload_that_runs_is_seen(stall: Stall, new_payer: NewPayer) -> None:
    async with watched(new_payer, stall) as (payer, _):
        await payer.page.goto(stall.url("/"))
        await payer.page.evaluate("document.body.innerHTML = '<img src=x onerror=window.ran=1>'")
        assert not await _ran(payer)  # the policy stops it
        assert any("violat" in text.lower() for text in payer.complaints)
        payer.complaints.clear()
        await payer.page.evaluate("window.ran = 1")
        assert await _ran(payer)
