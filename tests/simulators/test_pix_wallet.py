"""The wallet's pages, as a browser without script would use them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx2
import pytest
import zxingcpp
from PIL import Image

from guichet.simulators.pix.brcode import BrCode, write
from guichet.simulators.pix.payers import OUTCOMES
from guichet.simulators.pix.reasons import REASONS
from guichet.simulators.pix.words import PORTUGUESE, words_for
from simulators.pix_stage import KEY, Pix

_ENGLISH = {"accept-language": "en-GB,en;q=0.9"}


@dataclass
class Visit:
    """One code in a wallet; ``address`` is its order."""

    pix: Pix
    address: str

    def get(self, step: str = "", **headers: str) -> httpx2.Response:
        return self.pix.browser.get(self.address + step, headers=_ENGLISH | headers)

    def post(self, step: str, **fields: str) -> httpx2.Response:
        answer = self.pix.browser.post(self.address + step, data=fields, headers=_ENGLISH)
        if answer.status_code == 303:
            return self.pix.browser.get(
                httpx2.URL(self.address).join(answer.headers["location"]), headers=_ENGLISH
            )
        return answer

    def pay(self, pin: str = "1234", **fields: str) -> httpx2.Response:
        """Chooses, confirms; answers the last page."""
        self.post("/choose", **{"bank": "ipe"} | fields)
        return self.post("/pay", pin=pin)


def _read(pix: Pix, code: str, **files_: Any) -> httpx2.Response:
    return pix.browser.post(
        f"{pix.served.site}/wallet/read",
        data={"code": code},
        files=files_ or {"picture": ("", b"")},
        headers=_ENGLISH,
    )


def _visit(pix: Pix, code: str) -> Visit:
    answer = _read(pix, code)
    assert answer.status_code == 303, answer.text
    return Visit(pix, str(httpx2.URL(pix.served.site).join(answer.headers["location"])))


def _visited_charge(pix: Pix, **changes: Any) -> tuple[Visit, dict[str, Any]]:
    charge = pix.charge(**changes)
    return _visit(pix, charge["pixCopiaECola"]), charge


def _static(**changes: Any) -> str:
    fields: dict[str, Any] = {"name": "Loja Guichê", "city": "SAO PAULO", "key": KEY} | changes
    return write(BrCode(**fields))


def _title(page: httpx2.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text)
    assert found is not None
    return found[1]


# Reading ----------------------------------------------------------------------------------------


def test_a_dynamic_code_shows_who_is_paid_and_what(pix: Pix) -> None:
    visit, _ = _visited_charge(
        pix,
        valor={"original": "1237.50"},
        infoAdicionais=[{"nome": "Entrega", "valor": "Retirada"}],
    )
    page = visit.get().text
    for text in [
        "Loja Guichê",
        "11.222.333/0001-81",
        "SAO PAULO",
        "R$1,237.50",
        "Pedido 10042",
        "Francisco da Silva",
        "Entrega",
        "Retirada",
    ]:
        assert text in page


def test_a_static_code_shows_who_is_paid_and_what(pix: Pix) -> None:
    page = _visit(pix, _static(amount_minor=1250, description="Mesa 4")).get().text
    for text in ["Loja Guichê", KEY, "R$12.50", "Mesa 4"]:
        assert text in page


def test_a_code_comes_with_the_address_too(pix: Pix) -> None:
    code = pix.charge()["pixCopiaECola"]
    answer = pix.browser.get(f"{pix.served.site}/wallet", params={"code": code})
    assert "/wallet/orders/" in answer.headers["location"]


def test_a_code_is_read_though_line_breaks_came_in(pix: Pix) -> None:
    code = pix.charge()["pixCopiaECola"]
    assert _title(_visit(pix, f"  {code[:40]}\r\n{code[40:]} \n").get()) == "Check the payment"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "There is no code yet"),
        ("hello", "This is not a Pix code"),
        (_static()[:-1] + "X", "The code is damaged"),
        (_static(key="nobody@nowhere.example"), "The Pix key is not registered"),
        (_static(key=None, location="pix.example.com/qr/x"), "belongs to another bank"),
    ],
)
def test_a_code_that_leads_nowhere_is_explained(pix: Pix, code: str, message: str) -> None:
    answer = _read(pix, code)
    assert answer.status_code == 422
    assert message in answer.text
    assert 'role="alert"' in answer.text


def test_a_code_of_a_charge_before_the_restart_is_explained(pix: Pix) -> None:
    code = pix.charge()["pixCopiaECola"]
    pix.control("reset")
    assert "the simulation was restarted" in _read(pix, code).text


def _picture(text: str, kind: str = "PNG", scale: int = 4, turn: int = 0) -> bytes:
    drawing = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=scale)
    picture = Image.fromarray(drawing).convert("RGB")
    paper = Image.new("RGB", (picture.width * 2, picture.height * 2), "#e8e0d0")
    paper.paste(picture, (picture.width // 2, picture.height // 3))
    file = io.BytesIO()
    paper.rotate(turn, expand=True, fillcolor="#e8e0d0").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "turn"), [("PNG", 0), ("JPEG", 0), ("JPEG", 17)])
def test_a_picture_of_the_code_is_read(pix: Pix, kind: str, turn: int) -> None:
    picture = _picture(pix.charge()["pixCopiaECola"], kind, turn=turn)
    answer = _read(pix, "", picture=("photo", picture, "image/png"))
    assert answer.status_code == 303, answer.text


def _png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("1", (width, height), 1).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"no picture", "not a PNG or JPEG"),
        (_picture("x")[:200], "not a PNG or JPEG"),
        (_png(300, 300), "no QR Code in the picture"),
        (_png(9000, 9000), "too large"),
        (b"x" * (6 * 2**20 + 1), "too large"),
        (b"x" * (8 * 2**20), "too large"),
        (_picture("https://example.com"), "not a Pix code"),
    ],
)
def test_a_picture_that_does_not_help_is_explained(pix: Pix, picture: bytes, message: str) -> None:
    answer = _read(pix, "", picture=("photo.png", picture, "image/png"))
    assert answer.status_code == 422
    assert message in answer.text


def test_a_picture_with_two_codes_is_nobodys_choice(pix: Pix) -> None:
    one, two = (Image.open(io.BytesIO(_picture(text))) for text in ("one", "two"))
    both = Image.new("RGB", (one.width + two.width, one.height))
    both.paste(one, (0, 0))
    both.paste(two, (one.width, 0))
    file = io.BytesIO()
    both.save(file, "PNG")
    answer = _read(pix, "", picture=("photo.png", file.getvalue(), "image/png"))
    assert "several QR Codes" in answer.text


# Paying -----------------------------------------------------------------------------------------


def test_paying_a_charge_ends_with_a_receipt(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    page = visit.pay()
    assert _title(page) == "Pix sent"
    payment = pix.read(charge)["pix"][0]
    assert (payment["valor"], pix.read(charge)["status"]) == ("37.00", "CONCLUIDA")
    assert payment["endToEndId"] in page.text


@pytest.mark.parametrize(
    ("fields", "amounts"),
    [
        ({"outcome": "less"}, ["33.30"]),
        ({"outcome": "more"}, ["40.70"]),
        ({"outcome": "twice"}, ["37.00", "37.00"]),
        ({"amount": "12,50"}, ["12.50"]),
        ({"amount": "1.234,56"}, ["1234.56"]),
        ({"amount": "99.99"}, ["99.99"]),
    ],
)
def test_payers_pay_otherwise_than_asked(
    pix: Pix, fields: dict[str, str], amounts: list[str]
) -> None:
    visit, charge = _visited_charge(pix)
    visit.pay(**fields)
    assert [each["valor"] for each in pix.read(charge)["pix"]] == amounts


def test_the_confirmation_shows_what_will_leave_the_account(pix: Pix) -> None:
    visit, _ = _visited_charge(pix)
    page = visit.post("/choose", bank="caju", outcome="less")
    assert _title(page) == "Confirm the Pix"
    assert "R$33.30" in page.text
    assert "Caju Pay" in page.text


@pytest.mark.parametrize("code", REASONS)
def test_the_network_rejects_with_its_codes(pix: Pix, code: str) -> None:
    visit, charge = _visited_charge(pix)
    page = visit.pay(outcome=code)
    assert _title(page) == "The Pix was not made"
    assert code in page.text
    assert REASONS[code][0] in page.text.replace("&#39;", "'")
    assert "pix" not in pix.read(charge)
    assert pix.state()["rejections"][0]["code"] == code


def test_after_a_rejection_the_payer_can_try_again(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    page = visit.pay(outcome="AB03")
    again = re.search(r'href="([^"]*code=[^"]*)"', page.text)
    assert again is not None
    answer = pix.browser.get(httpx2.URL(pix.served.site).join(again[1]))
    Visit(pix, str(httpx2.URL(pix.served.site).join(answer.headers["location"]))).pay()
    assert pix.read(charge)["status"] == "CONCLUIDA"


@pytest.mark.parametrize(("step", "fields"), [("/choose", {}), ("/pay", {"bank": "ipe"})])
def test_a_refused_payment_moves_nothing(pix: Pix, step: str, fields: dict[str, str]) -> None:
    visit, charge = _visited_charge(pix)
    if fields:
        visit.post("/choose", **fields)
    assert _title(visit.post(step, decision="refuse")) == "You refused this payment"
    assert _title(visit.pay()) == "You refused this payment"
    assert pix.read(charge)["status"] == "ATIVA"


def test_pressing_pay_twice_pays_once(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    visit.pay()
    assert _title(visit.post("/pay", pin="1234")) == "Pix sent"
    assert len(pix.read(charge)["pix"]) == 1


@pytest.mark.parametrize("pin", ["", "12", "0000", "abcd", "1234567"])
def test_a_wrong_pin_is_said_and_the_third_blocks(pix: Pix, pin: str) -> None:
    visit, charge = _visited_charge(pix)
    visit.post("/choose", bank="ipe")
    page = visit.post("/pay", pin=pin)
    assert page.status_code == 422
    assert "Tries left: 2" in page.text
    visit.post("/pay", pin=pin)
    assert _title(visit.post("/pay", pin=pin)) == "Your PIN is blocked"
    assert _title(visit.pay()) == "Your PIN is blocked"
    assert pix.read(charge)["status"] == "ATIVA"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bank": "nowhere"}, "Choose a bank."),
        ({"bank": "ipe", "amount": "much"}, "Type an amount"),
        ({"bank": "ipe", "amount": "0"}, "Type an amount"),
        ({"bank": "ipe", "amount": "-1"}, "Type an amount"),
        ({"bank": "ipe", "amount": "1,234"}, "Type an amount"),
    ],
)
def test_a_wrong_choice_is_explained(pix: Pix, fields: dict[str, str], message: str) -> None:
    visit, _ = _visited_charge(pix)
    page = visit.post("/choose", **fields)
    assert page.status_code == 422
    assert message in page.text


def test_a_charge_that_lets_the_payer_choose_has_a_field_for_the_amount(pix: Pix) -> None:
    visit, charge = _visited_charge(pix, valor={"original": "37.00", "modalidadeAlteracao": 1})
    assert visit.get().text.index('id="amount"') < visit.get().text.index("<fieldset>")
    visit.pay(amount="50")
    assert pix.read(charge)["pix"][0]["valor"] == "50.00"


def test_a_static_code_without_an_amount_needs_one(pix: Pix) -> None:
    visit = _visit(pix, _static(txid="MESA4"))
    assert visit.post("/choose", bank="ipe").status_code == 422
    visit.pay(amount="5,00")
    payment = pix.state()["payments"][0]
    assert (payment["amount"], payment["txid"]) == ("5.00", "MESA4")
    assert pix.api.get(f"/pix/{payment['endToEndId']}").json()["txid"] == "MESA4"


def test_slow_money_arrives_later(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    page = visit.pay(outcome="slow")
    assert _title(page) == "Your Pix is under review"
    assert '<meta http-equiv="refresh"' in page.text
    assert pix.read(charge)["status"] == "ATIVA"
    pix.control("clock", advance_seconds=31)
    assert _title(visit.get()) == "Pix sent"
    assert pix.read(charge)["status"] == "CONCLUIDA"


# Obstacles --------------------------------------------------------------------------------------


def _expire(pix: Pix, _charge: dict[str, Any]) -> None:
    pix.control("clock", advance_seconds=3600)


def _pay_elsewhere(pix: Pix, charge: dict[str, Any]) -> None:
    pix.control("pay", txid=charge["txid"])


def _remove(pix: Pix, charge: dict[str, Any]) -> None:
    pix.control("remove", txid=charge["txid"])


_OBSTACLES = {
    "This code has expired": (_expire, "CONCLUIDA", 1),
    "This charge is already paid": (_pay_elsewhere, "CONCLUIDA", 2),
    "This charge was withdrawn": (_remove, "REMOVIDA_PELO_PSP", 1),
}


@pytest.mark.parametrize("title", _OBSTACLES)
def test_what_cannot_be_paid_says_so_and_can_be_paid_as_a_test(pix: Pix, title: str) -> None:
    hinder, status, count = _OBSTACLES[title]
    visit, charge = _visited_charge(pix)
    hinder(pix, charge)
    page = visit.get()
    assert (page.status_code, _title(page)) == (410, title)
    visit.post("/anyway")
    assert _title(visit.pay()) == "Pix sent"
    found = pix.browser.get(f"{pix.served.site}/_control/state").json()["charges"][0]
    assert (found["status"], len(found["payments"])) == (status, count)


def test_a_charge_that_ends_while_the_pin_is_typed_is_not_paid(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    visit.post("/choose", bank="ipe")
    _remove(pix, charge)
    assert _title(visit.post("/pay", pin="1234")) == "This charge was withdrawn"
    assert pix.state()["payments"] == []


# Money back -------------------------------------------------------------------------------------


def test_the_receipt_shows_what_came_back(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    visit.pay()
    pix.give_back(pix.read(charge)["pix"][0], "7.00")
    page = visit.get().text
    assert "Returned by the shop" in page
    assert "R$7.00" in page


@pytest.mark.parametrize(
    ("kind", "nature"), [("fraud", "MED_FRAUDE"), ("operational", "MED_OPERACIONAL")]
)
def test_a_claim_takes_the_money_back(pix: Pix, kind: str, nature: str) -> None:
    visit, charge = _visited_charge(pix)
    visit.pay()
    payment = pix.read(charge)["pix"][0]["endToEndId"]
    page = visit.post("/claim", payment=payment, kind=kind, amount="10,00")
    assert "Returned after a claim" in page.text
    found = pix.read(charge)["pix"][0]["devolucoes"][0]
    assert (found["natureza"], found["valor"]) == (nature, "10.00")
    assert 'value="27,00"' in page.text


@pytest.mark.parametrize("amount", ["37,01", "0", "", "much"])
def test_no_more_is_claimed_than_was_paid(pix: Pix, amount: str) -> None:
    visit, charge = _visited_charge(pix)
    visit.pay()
    payment = pix.read(charge)["pix"][0]["endToEndId"]
    page = visit.post("/claim", payment=payment, kind="fraud", amount=amount)
    assert page.status_code == 422
    assert "So much is not left" in page.text
    assert "devolucoes" not in pix.read(charge)["pix"][0]


def test_a_claim_after_eighty_days_is_too_late(pix: Pix) -> None:
    visit, charge = _visited_charge(pix)
    visit.pay()
    payment = pix.read(charge)["pix"][0]["endToEndId"]
    pix.control("clock", advance_seconds=81 * 86400)
    page = visit.post("/claim", payment=payment, kind="fraud", amount="1,00")
    assert "within 80 days" in page.text


def test_the_activity_lists_this_wallets_payments_only(pix: Pix) -> None:
    address = f"{pix.served.site}/wallet/activity"
    visit, charge = _visited_charge(pix)
    visit.pay()
    pix.give_back(pix.read(charge)["pix"][0], "7.00")
    mine = pix.browser.get(address, headers=_ENGLISH).text
    assert "−R$37.00" in mine
    assert "+R$7.00" in mine
    with httpx2.Client(verify=pix.served.context(), trust_env=False) as stranger:
        assert "Nothing yet." in stranger.get(address, headers=_ENGLISH).text


# All pages --------------------------------------------------------------------------------------


def _pages(pix: Pix) -> list[httpx2.Response]:
    visit, _ = _visited_charge(pix)
    site = pix.served.site
    pages = [pix.browser.get(f"{site}/wallet", headers=_ENGLISH), _read(pix, "x"), visit.get()]
    pages.append(visit.post("/choose", bank="ipe"))
    pages.append(visit.post("/pay", pin="1234"))
    other, _ = _visited_charge(pix)
    pages.append(other.pay(outcome="AC06"))
    refused, _ = _visited_charge(pix)
    pages.append(refused.post("/choose", decision="refuse"))
    expired, _ = _visited_charge(pix, calendario={"expiracao": 1})
    pix.control("clock", advance_seconds=2)
    pages.append(expired.get())
    pages.append(pix.browser.get(f"{site}/wallet/activity", headers=_ENGLISH))
    pages.append(pix.browser.get(f"{site}/wallet/orders/nowhere", headers=_ENGLISH))
    pages.append(pix.browser.get(f"{site}/nowhere", headers=_ENGLISH))
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
    visit, _ = _visited_charge(pix, solicitacaoPagador="<script>alert(1)</script>\"'")
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
    visit, _ = _visited_charge(pix)
    page = visit.get(**{"accept-language": accepted})
    assert f'<html lang="{tag}">' in page.text
    assert text in page.text


def test_amounts_look_brazilian_in_portuguese(pix: Pix) -> None:
    visit, _ = _visited_charge(pix, valor={"original": "1234567.89"})
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
    visit, _ = _visited_charge(pix)
    page = visit.get().text
    for name in [*(each.name for each in OUTCOMES), *REASONS]:
        assert f'<option value="{name}"' in page


def test_wishes_of_browsers_are_read_with_care() -> None:
    for odd in ["*", ";;q=", "pt;q=9", ",,,", "x" * 5000, "pt;q=0", "en;q=0,pt;q=0"]:
        assert words_for(odd).language in {"pt", "en"}
