"""Every page that a payer can see, and how to get there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, expect

from gateways import caller_of
from guichet.domain.errors import Unavailable
from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Outcome,
    Reason,
    Redirect,
    Refused,
    ShowCode,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.services.links import close_link, unpublish_link
from pages.offers import LOGO, filled
from pages.scripted import BANK_URL, CODE
from pages.stall import Stall

#: Makes what is needed and answers the path of the page, or opens it by itself and answers None.
Scene = Callable[[Stall, Page], Awaitable[str | None]]

FULL = Done(received=Money(35041, "GBP"))
BOTH: dict[str, Any] = {
    "rails": ("open_banking", "pix"),
    "currency": "BRL",
    "amount_minor": 123450,
    "customer_data": "full_customer",
    "shows_payee": True,
    "description": "Oito aulas às quintas, material incluído.",
    "reference": "NEOPAY-IPHONE",
    "settings": {"theme": {"selected": "yellow", "logo": LOGO}},
}


def _payment(
    *outcomes: Outcome, by_code: bool = False, begun: bool = True, suffix: str = ""
) -> Scene:
    async def scene(stall: Stall, _page: Page) -> str:
        path = await stall.payment(by_code=by_code, begun=begun)
        for outcome in outcomes:
            await stall.report(path, outcome)
        return path + suffix

    return scene


def _connecting(*, by_code: bool) -> Scene:
    async def scene(stall: Stall, _page: Page) -> str:
        (stall.pix if by_code else stall.bank).answer = Unknown(detail="time-out")
        return await stall.payment(by_code=by_code, begun=True)

    return scene


def _not_started(*, by_code: bool) -> Scene:
    async def scene(stall: Stall, page: Page) -> str:
        (stall.pix if by_code else stall.bank).answer = None
        path = await stall.payment(by_code=by_code)
        await page.request.post(stall.url(path), max_redirects=0)
        return path

    return scene


async def _late_code(stall: Stall, _page: Page) -> str:
    path = await stall.payment(by_code=True, begun=True)
    stall.clock.move(timedelta(days=1))
    return path


async def _expired(stall: Stall, _page: Page) -> str:
    path = await stall.payment()
    stall.clock.move(timedelta(days=2))
    return path


async def _cancelled(stall: Stall, _page: Page) -> str:
    path = await stall.payment()
    payment = await stall.of(path)
    await stall.query("UPDATE payments SET status = 'cancelled' WHERE id = $1", payment.id)
    return path


async def _handoff(stall: Stall, page: Page) -> None:
    stall.bank.answer = Waiting(next_step=Redirect(BANK_URL))
    path = await stall.payment(begun=True)
    await page.route("https://bank.example/**", lambda route: route.abort())
    await page.goto(stall.url(path))
    shown = await page.request.get(stall.url(f"{path}/bank"))
    text = (await shown.text()).replace('http-equiv="refresh"', 'name="refresh"')
    await page.route("**/bank", lambda route: route.fulfill(body=text, content_type="text/html"))
    await page.goto(stall.url(f"{path}/bank"))


def _link(**columns: Any) -> Scene:
    async def scene(stall: Stall, _page: Page) -> str:
        return (await stall.link(**columns))[1]

    return scene


async def _problems(stall: Stall, page: Page) -> None:
    _, path = await stall.link(**BOTH | {"amount_minor": None})
    await page.goto(stall.url(path))
    await page.get_by_label("E-mail address").fill("nobody@")
    await page.get_by_role("button", name="Continue").click()


async def _review(stall: Stall, page: Page) -> None:
    _, path = await stall.link(amount_minor=None)
    await page.goto(stall.url(path))
    await page.get_by_label("Amount in GBP").fill("12.50")
    await page.get_by_label("E-mail address").fill("payer@example.com")
    await page.get_by_label("Modelo Sandbox").check()
    await page.get_by_role("button", name="Continue").click()


def _resumed(*outcomes: Outcome) -> Scene:
    async def scene(stall: Stall, page: Page) -> str:
        _, path = await stall.link()
        sent = await page.request.post(stall.url(path), form=dict(filled()), max_redirects=0)
        for outcome in outcomes:
            await stall.report(sent.headers["location"], outcome)
        return path

    return scene


async def _draft(stall: Stall, _page: Page) -> str:
    link, path = await stall.link()
    await unpublish_link(stall.gateway, caller_of(stall.gateway), link.id)
    return path


async def _closed(stall: Stall, _page: Page) -> str:
    link, path = await stall.link()
    await close_link(stall.gateway, caller_of(stall.gateway), link.id)
    return path


async def _poster(stall: Stall, _page: Page) -> str:
    return (await stall.link(**BOTH))[1] + "/poster"


async def _no_code(stall: Stall, _page: Page) -> str:
    stall.pix.answer = None
    try:
        return await stall.payment(by_code=True, begun=True)
    except Unavailable:
        stall.pix.answer = Waiting(next_step=ShowCode(CODE))
        return await stall.payment(by_code=True)


def _at(path: str) -> Scene:
    async def scene(_stall: Stall, _page: Page) -> str:
        return path

    return scene


def _handset(**form: str) -> Scene:
    async def scene(stall: Stall, page: Page) -> None:
        await page.goto(stall.url(await stall.handset_payment()))
        if form:
            await page.get_by_label("MTN").check()
            await page.get_by_label("Phone number").fill(form["phone"])
            await page.get_by_role("button", name="Pay").click()

    return scene


#: Each page by a name: its heading, and the way there.
SCENES: dict[str, tuple[str, Scene]] = {
    "home": ("Guichet", _at("/")),
    "unknown": ("This page does not exist", _at("/pay/1/2")),
    "ready": ("Pay John Doe", _payment(begun=False)),
    "ready-again": ("Pay John Doe", _not_started(by_code=False)),
    "connecting": ("Connecting to Modelo Sandbox", _connecting(by_code=False)),
    "handoff": ("Taking you to Modelo Sandbox", _handoff),
    "at-bank": ("Approve the payment at Modelo Sandbox", _payment()),
    "checking": ("Checking with your bank", _payment(suffix="/returned")),
    "mismatched": ("The amount does not match", _payment(Done(received=Money(35040, "GBP")))),
    "completed": ("Payment completed", _payment(FULL, suffix="/returned")),
    "given-back": ("Payment completed", _payment(FULL, TakenBack(returned=Money(1000, "GBP")))),
    "reversed": ("Payment taken back", _payment(FULL, TakenBack())),
    "refused": ("Payment not made", _payment(Refused(reason=Reason.INSUFFICIENT_FUNDS))),
    "cancelled": ("Payment cancelled", _cancelled),
    "expired": ("Payment expired", _expired),
    "code-ready": ("Pay John Doe", _no_code),
    "code-ready-again": ("Pay John Doe", _not_started(by_code=True)),
    "code-connecting": ("Making your Pix code", _connecting(by_code=True)),
    "code": ("Pay John Doe with Pix", _payment(by_code=True)),
    "code-late": ("Checking your payment", _late_code),
    "code-completed": (
        "Payment completed",
        _payment(Done(received=Money(123450, "BRL")), by_code=True),
    ),
    "choose": ("Pay Tests", _handset()),
    "choose-problems": ("Pay Tests", _handset(phone="12")),
    "confirm": ("Confirm on your phone", _handset(phone="670000000")),
    "link": ("Iphone 14 Pro", _link(description="Iphone 14 Pro reconditionné")),
    "link-everything": ("Iphone 14 Pro", _link(**BOTH)),
    "link-any-amount": (
        "Iphone 14 Pro",
        _link(amount_minor=None, settings={"theme": {"selected": "#ffffff"}}),
    ),
    "link-problems": ("Iphone 14 Pro", _problems),
    "link-review": ("Is this the right amount?", _review),
    "link-under-way": ("You have a payment under way", _resumed()),
    "link-paid": ("You have paid this already", _resumed(FULL)),
    "link-draft": ("This page is not open yet", _draft),
    "link-closed": ("This payment link is closed", _closed),
    "poster": ("Iphone 14 Pro", _poster),
}


async def enter(name: str, stall: Stall, page: Page) -> None:
    """Open the page of this name."""
    heading, scene = SCENES[name]
    path = await scene(stall, page)
    if path is not None:
        await page.goto(stall.url(path))
    await expect(page.locator("h1")).to_have_text(heading)
