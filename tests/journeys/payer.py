"""A payer in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Error, Page, expect

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: A condition on a page may take this long on a busy machine; nothing waits longer than it must.
expect.set_options(timeout=30_000)


@dataclass
class Payer:
    """One browser window; ``complaints`` are what its console said against our pages."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def visit(self, link: dict[str, Any]) -> None:
        """Open a payment link."""
        await self.page.goto(link["url"])

    async def fill(self, **texts: str) -> None:
        """Write into fields; the names are their labels, ``_`` for a space."""
        for label, text in texts.items():
            await self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    async def choose(self, label: str) -> None:
        """Mark a choice."""
        await self.page.get_by_label(label).check()

    async def open(self, payment: dict[str, Any]) -> None:
        await self.page.goto(payment["authorisationUrl"])

    async def sees(self, heading: str) -> None:
        """Wait for the page with this heading."""
        await expect(self.page.locator("h1")).to_have_text(heading)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def go_to_bank(self, button: str = "Continue to Modelo Sandbox") -> None:
        await self.press(button)
        await self.page.wait_for_url("**/simulators/**")

    async def log_in(self, user: str = "mits", password: str = "mits") -> None:
        await self.page.get_by_label("User name").fill(user)
        await self.page.get_by_label("Password").fill(password)
        await self.press("Log in")
        await self.sees("Pay from which account?")

    async def review(self, user: str = "mits") -> None:
        """From the bank's first page to the payment as the bank shows it."""
        await self.log_in(user)
        await self.press("Continue")
        await self.sees("Confirm the payment")

    async def accept(self, user: str = "mits") -> None:
        """Everything at the bank, with a yes in the end."""
        await self.review(user)
        await self.press("Accept")

    async def is_told(self, words: str) -> None:
        await expect(self.page.locator("main")).to_contain_text(words)


@dataclass
class Wallet:
    """The wallet of a Brazilian bank, in a window beside the payment's page."""

    page: Page
    address: str

    async def read(self, *, code: str = "", picture: bytes = b"") -> None:
        """Give it the code, as text or as a picture."""
        await self.page.goto(self.address)
        if picture:
            file: Any = {"name": "qr.png", "mimeType": "image/png", "buffer": picture}
            await self.page.get_by_label("Picture of the QR Code").set_input_files(file)
        else:
            await self.page.get_by_label("Pix Copia e Cola").fill(code)
        await self.page.get_by_role("button", name="Read the code").click()
        await expect(self.page.locator("h1")).to_have_text("Check the payment")

    async def pay(self, outcome: str = "exact") -> None:
        """Pay, with this outcome."""
        await self.page.get_by_text("Test options").click()
        await self.page.get_by_label("What should happen").select_option(outcome)
        await self.page.get_by_role("button", name="Continue").click()
        await expect(self.page.locator("h1")).to_have_text("Confirm the Pix")
        await self.page.get_by_label("PIN").fill("1234")
        await self.page.get_by_role("button", name="Pay ").click()


@asynccontextmanager
async def a_payer(browser: Browser, **options: Any) -> AsyncIterator[Payer]:
    """A fresh browser profile; at the end its console must have had nothing to say."""
    context = await browser.new_context(**{"locale": "en-GB"} | options)
    payer = Payer(await context.new_page())

    def listen(page: Page) -> None:
        page.on("console", hear)
        page.on("pageerror", lambda error: payer.complaints.append(str(error)))

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            payer.complaints.append(message.text)

    listen(payer.page)
    context.on("page", listen)
    try:
        yield payer
    finally:
        try:
            await context.close()
        except Error:  # the browser itself was closed
            payer.complaints.append("the browser is gone")
    assert payer.complaints == [], payer.complaints
