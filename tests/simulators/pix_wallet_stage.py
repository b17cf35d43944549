"""A visit to the wallet: one code read, its pages, its forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx2

from guichet.simulators.pix.brcode import BrCode, write
from simulators.pix_stage import KEY, Pix

ENGLISH = {"accept-language": "en-GB,en;q=0.9"}


@dataclass
class Visit:
    """One code in a wallet; ``address`` is its order."""

    pix: Pix
    address: str

    def get(self, step: str = "", **headers: str) -> httpx2.Response:
        return self.pix.browser.get(self.address + step, headers=ENGLISH | headers)

    def post(self, step: str, **fields: str) -> httpx2.Response:
        answer = self.pix.browser.post(self.address + step, data=fields, headers=ENGLISH)
        if answer.status_code == 303:
            return self.pix.browser.get(
                httpx2.URL(self.address).join(answer.headers["location"]), headers=ENGLISH
            )
        return answer

    def pay(self, pin: str = "1234", **fields: str) -> httpx2.Response:
        """Chooses, confirms; answers the last page."""
        self.post("/choose", **{"bank": "ipe"} | fields)
        return self.post("/pay", pin=pin)


def read_code(pix: Pix, code: str, **files_: Any) -> httpx2.Response:
    return pix.browser.post(
        f"{pix.served.site}/wallet/read",
        data={"code": code},
        files=files_ or {"picture": ("", b"")},
        headers=ENGLISH,
    )


def visit_code(pix: Pix, code: str) -> Visit:
    answer = read_code(pix, code)
    assert answer.status_code == 303, answer.text
    return Visit(pix, str(httpx2.URL(pix.served.site).join(answer.headers["location"])))


def visited_charge(pix: Pix, **changes: Any) -> tuple[Visit, dict[str, Any]]:
    charge = pix.charge(**changes)
    return visit_code(pix, charge["pixCopiaECola"]), charge


def static_code(**changes: Any) -> str:
    fields: dict[str, Any] = {"name": "Loja Guichê", "city": "SAO PAULO", "key": KEY} | changes
    return write(BrCode(**fields))


def title_of(page: httpx2.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text)
    assert found is not None
    return found[1]
