"""What all of the wallet's pages have in common: marks, safety, language."""

from __future__ import annotations

import re
from importlib.resources import files

import httpx2
import pytest

from guichet.simulators.pix.payers import OUTCOMES
from guichet.simulators.pix.reasons import REASONS
from guichet.simulators.pix.words import PORTUGUESE, words_for
from simulators.pix_stage import Pix
from simulators.pix_wallet_stage import ENGLISH, read_code, visited_charge


def _pages(pix: Pix) -> list[httpx2.Response]:
    visit, _ = visited_charge(pix)
    site = pix.served.site
    pages = [pix.browser.get(f"{site}/wallet", headers=ENGLISH), read_code(pix, "x"), visit.get()]
    pages.append(visit.post("/choose", bank="ipe"))
    pages.append(visit.post("/pay", pin="1234"))
    other, _ = visited_charge(pix)
    pages.append(other.pay(outcome="AC06"))
    refused, _ = visited_charge(pix)
    pages.append(refused.post("/choose", decision="refuse"))
    expired, _ = visited_charge(pix, calendario={"expiracao": 1})
    pix.control("clock", advance_seconds=2)
    pages.append(expired.get())
    pages.append(pix.browser.get(f"{site}/wallet/activity", headers=ENGLISH))
    pages.append(pix.browser.get(f"{site}/wallet/orders/nowhere", headers=ENGLISH))
    pages.append(pix.browser.get(f"{site}/nowhere", headers=ENGLISH))
    return pages


def test_every_page_is_marked_runs_nothing_and_is_framed_by_nobody(pix: Pix) -> None:
    for page in _pages(pix):
        assert "<strong>Simulation</strong>" in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'; style-src 'self'" in policy
        assert "form-action 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in page.text
        assert "style=" not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"


def test_names_of_others_are_shown_not_run(pix: Pix) -> None:
    visit, _ = visited_charge(pix, solicitacaoPagador="<script>alert(1)</script>\"'")
    page = visit.get().text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("accepted", "tag", "text"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR", "Confira o pagamento"),
        ("en-US,en;q=0.9,pt;q=0.8", "en", "Check the payment"),
        ("fr;q=1.0, pt;q=0.5, en;q=0.4", "pt-BR", "Confira o pagamento"),
        ("fr, de", "en", "Check the payment"),
        ("", "en", "Check the payment"),
    ],
)
def test_the_wallet_speaks_the_browsers_language(
    pix: Pix, accepted: str, tag: str, text: str
) -> None:
    visit, _ = visited_charge(pix)
    page = visit.get(**{"accept-language": accepted})
    assert f'<html lang="{tag}">' in page.text
    assert text in page.text


def test_amounts_look_brazilian_in_portuguese(pix: Pix) -> None:
    visit, _ = visited_charge(pix, valor={"original": "1234567.89"})
    assert "R$\N{NO-BREAK SPACE}1.234.567,89" in visit.get(**{"accept-language": "pt"}).text


def test_every_sentence_has_its_portuguese_and_every_portuguese_its_use() -> None:
    folder = files("guichet.simulators.pix")
    sources = [each.read_text("utf-8") for each in folder.joinpath("templates").iterdir()]
    sources.append(folder.joinpath("wallet.py").read_text("utf-8"))
    everything = re.sub(r'"\s*\n\s*"', "", "\n".join(sources))
    said = set(re.findall(r'\bt\("([^"]+)"', everything))
    assert said - PORTUGUESE.keys() == set()
    assert {each for each in PORTUGUESE if f'"{each}"' not in everything} == set()


def test_the_details_offer_every_outcome(pix: Pix) -> None:
    visit, _ = visited_charge(pix)
    page = visit.get().text
    for name in [*(each.name for each in OUTCOMES), *REASONS]:
        assert f'<option value="{name}"' in page


def test_wishes_of_browsers_are_read_with_care() -> None:
    for odd in ["*", ";;q=", "pt;q=9", ",,,", "x" * 5000, "pt;q=0", "en;q=0,pt;q=0"]:
        assert words_for(odd).language in {"pt", "en"}
