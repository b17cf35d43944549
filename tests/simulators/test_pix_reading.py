"""The wallet reads codes: pasted, in an address, in a picture."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image

from simulators.pix_stage import KEY, Pix
from simulators.pix_wallet_stage import read_code, static_code, title_of, visit_code, visited_charge


def test_a_dynamic_code_shows_who_is_paid_and_what(pix: Pix) -> None:
    visit, _ = visited_charge(
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
    page = visit_code(pix, static_code(amount_minor=1250, description="Mesa 4")).get().text
    for text in ["Loja Guichê", KEY, "R$12.50", "Mesa 4"]:
        assert text in page


def test_a_code_comes_with_the_address_too(pix: Pix) -> None:
    code = pix.charge()["pixCopiaECola"]
    answer = pix.browser.get(f"{pix.served.site}/wallet", params={"code": code})
    assert "/wallet/orders/" in answer.headers["location"]


def test_a_code_is_read_though_line_breaks_came_in(pix: Pix) -> None:
    code = pix.charge()["pixCopiaECola"]
    assert (
        title_of(visit_code(pix, f"  {code[:40]}\r\n{code[40:]} \n").get()) == "Check the payment"
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "There is no code yet"),
        ("hello", "This is not a Pix code"),
        (static_code()[:-1] + "X", "The code is damaged"),
        (static_code(key="nobody@nowhere.example"), "The Pix key is not registered"),
        (static_code(key=None, location="pix.example.com/qr/x"), "belongs to another bank"),
    ],
)
def test_a_code_that_leads_nowhere_is_explained(pix: Pix, code: str, message: str) -> None:
    answer = read_code(pix, code)
    assert answer.status_code == 422
    assert message in answer.text
    assert 'role="alert"' in answer.text


def test_a_code_of_a_charge_before_the_restart_is_explained(pix: Pix) -> None:
    code = pix.charge()["pixCopiaECola"]
    pix.control("reset")
    assert "the simulation was restarted" in read_code(pix, code).text


def _picture(text: str, kind: str = "PNG", scale: int = 4, turn: int = 0) -> bytes:
    drawing = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=scale)
    picture = Image.fromarray(drawing).convert("RGB")
    paper = Image.new("RGB", (picture.width * 2, picture.height * 2), "#e8e0d0")
    paper.paste(picture, (picture.width // 2, picture.height // 3))
    file = io.BytesIO()
    paper.rotate(turn, expand=True, fillcolor="#e8e0d0").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "turn"), [("PNG", 0), ("JPEG", 0), ("JPEG", 17)])
def test_a_picture_of_the_code_isread_code(pix: Pix, kind: str, turn: int) -> None:
    picture = _picture(pix.charge()["pixCopiaECola"], kind, turn=turn)
    answer = read_code(pix, "", picture=("photo", picture, "image/png"))
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
    answer = read_code(pix, "", picture=("photo.png", picture, "image/png"))
    assert answer.status_code == 422
    assert message in answer.text


def test_a_picture_with_two_codes_is_nobodys_choice(pix: Pix) -> None:
    one, two = (Image.open(io.BytesIO(_picture(text))) for text in ("one", "two"))
    both = Image.new("RGB", (one.width + two.width, one.height))
    both.paste(one, (0, 0))
    both.paste(two, (one.width, 0))
    file = io.BytesIO()
    both.save(file, "PNG")
    answer = read_code(pix, "", picture=("photo.png", file.getvalue(), "image/png"))
    assert "several QR Codes" in answer.text
