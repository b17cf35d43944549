"""BR Codes, written and read: known vectors, and any code both ways."""

from __future__ import annotations

import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from absent import spec
from guichet.rails.pix.brcode import (
    BrCode,
    InvalidBrCode,
    crc,
    dynamic_code,
    plain_text,
    read,
    static_code,
    write,
)

EVP = "123e4567-e12b-12d1-a456-426655440000"
MANUAL_STATIC = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR"
    "5913Fulano de Tal6008BRASILIA62070503***63041D3D"
)
MANUAL_DYNAMIC = (
    "00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd441"
    "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***630464E4"
)
MULTI_SCHEME = (
    "00020104141234567890123426660014BR.GOV.BCB.PIX014466756C616E6F32303139406578616D706C652E63"
    "6F6D27300012BR.COM.OUTRO011001234567895204000053039865406123.455802BR5915NOMEDORECEBEDOR"
    "6008BRASILIA61087007490062530515RP12345678-201950300017BR.GOV.BCB.BRCODE01051.0.0"
    "80450014BR.GOV.BCB.PIX0123PADRAO.URL.PIX/0123ABCD81390012BR.COM.OUTRO01190123.ABCD.3456.WXYZ"
    "6304EB76"
)
CAPITALS_DYNAMIC = (
    "00020101021226770014BR.GOV.BCB.PIX2555pix.example.com/qr/93598be0-1bd0-4997-8318-81776a1d8a99"
    "5204000053039865802BR5907EMPRESA6009SAO PAULO62070503***6304EEAB"
)
#: Right CRC, but the field 62 says that it has eight characters and has seven.
BROKEN_LENGTH = (
    "00020126360014BR.GOV.BCB.PIX0114+55119432143215204000053039865405"
    "66.665802BR5907EMPRESA6008BRASILIA62080503***6304170E"
)
#: The examples of API Pix 2.9.0, with an agreement's location in 80: by their CRC.
OF_THE_FILE = {
    "62C9": (None, "pix.example.com/qr/v2/rec/2353c790eefb11eaadc10242ac120002"),
    "7741": (
        "pix.example.com/qr/v2/8b3da2f39a4140d1a91abd93113bd441",
        "pix.example.com/qr/v2/rec/94ed2badcbc04c15b0bb7fa353194890",
    ),
    "A441": (
        "pix.example.com/qr/v2/cobv/1e6c54d3ec9449b7a7fc53b6b0f998e7",
        "pix.example.com/qr/v2/rec/3ffa640fa4f14080adccb949fa2dc0d0",
    ),
}

TEXT = st.text(string.ascii_letters + string.digits + " .,&'-/*", min_size=1)
LOCATION = st.text(string.ascii_letters + string.digits + "./-_", min_size=1, max_size=77)


@st.composite
def codes(draw: st.DrawFn) -> BrCode:
    fields: dict[str, Any] = {}
    kind = draw(st.sampled_from(["static", "dynamic", "recurrence", "both"]))
    if kind == "static":
        fields["key"] = draw(st.text(string.ascii_letters + "@+-.", min_size=1, max_size=77))
        room = 73 - len(fields["key"])
        if room > 0:
            fields["description"] = draw(st.none() | TEXT.filter(lambda text: len(text) <= room))
        fields["txid"] = draw(
            st.none() | st.text(string.ascii_letters + string.digits, min_size=1, max_size=25)
        )
    if kind in ("dynamic", "both"):
        fields["location"] = draw(LOCATION)
        fields["one_use"] = draw(st.booleans())
    if kind in ("recurrence", "both"):
        fields["recurrence"] = draw(LOCATION)
    return BrCode(
        name=draw(TEXT.map(lambda text: text[:25])),
        city=draw(TEXT.map(lambda text: text[:15])),
        amount_minor=draw(st.none() | st.integers(1, 10**12 - 1)),
        category=draw(st.from_regex(r"\A[0-9]{4}\Z")),
        postal_code=draw(st.none() | st.from_regex(r"\A[0-9]{8}\Z")),
        gui=draw(st.sampled_from(["br.gov.bcb.pix", "BR.GOV.BCB.PIX"])),
        **fields,
    )


def signed(text: str) -> str:
    """The text with a right CRC."""
    return f"{text}6304{crc(text + '6304')}"


def test_the_check_value_of_the_crc() -> None:
    assert crc("123456789") == "29B1"


# Known vectors ------------------------------------------------------------------------------------


def test_the_manuals_static_code_is_written() -> None:
    assert static_code(EVP, "Fulano de Tal", "BRASILIA") == MANUAL_STATIC


def test_the_manuals_dynamic_code_is_written() -> None:
    location = "https://pix.example.com/8b3da2f39a4140d1a91abd93113bd441"
    assert dynamic_code(location, "Fulano de Tal", "BRASILIA") == MANUAL_DYNAMIC


@pytest.mark.parametrize("text", [MANUAL_STATIC, MANUAL_DYNAMIC, CAPITALS_DYNAMIC])
def test_a_code_that_was_read_is_written_as_it_was(text: str) -> None:
    assert write(read(text)) == text


def test_what_the_manuals_codes_say() -> None:
    static, dynamic = read(MANUAL_STATIC), read(MANUAL_DYNAMIC)
    assert (static.key, static.location, static.one_use, static.txid) == (EVP, None, False, None)
    assert dynamic.location == "pix.example.com/8b3da2f39a4140d1a91abd93113bd441"
    assert (dynamic.name, dynamic.city, dynamic.one_use) == ("Fulano de Tal", "BRASILIA", True)


def test_a_code_of_several_schemes_is_read_for_pix() -> None:
    code = read(MULTI_SCHEME)
    assert code.key == "66756C616E6F32303139406578616D706C652E636F6D"
    assert (code.amount_minor, code.txid) == (12_345, "RP12345678-2019")
    assert (code.name, code.postal_code) == ("NOMEDORECEBEDOR", "70074900")


def test_the_examples_of_the_api_are_read_and_written() -> None:
    found = re.findall(r"pixCopiaECola: (00020.+)", spec("bacen-pix.yaml").read_text())
    said = {text[-4:]: (read(text).location, read(text).recurrence) for text in found}
    assert said == OF_THE_FILE
    assert [write(read(text)) for text in found] == found


def test_a_wrong_length_is_seen_though_the_crc_is_right() -> None:
    assert crc(BROKEN_LENGTH[:-4]) == BROKEN_LENGTH[-4:]
    with pytest.raises(InvalidBrCode) as failure:
        read(BROKEN_LENGTH)
    assert failure.value.rule == "structure"


# Any code -----------------------------------------------------------------------------------------


@given(codes())
def test_what_is_written_is_read(code: BrCode) -> None:
    assert read(write(code)) == code


@given(codes())
def test_what_is_read_is_written(code: BrCode) -> None:
    text = write(code)
    assert write(read(text)) == text


@given(codes(), st.data())
def test_no_other_character_passes(code: BrCode, data: st.DataObject) -> None:
    text = write(code)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([each for each in string.printable if each != text[at]]))
    with pytest.raises(InvalidBrCode):
        read(text[:at] + other + text[at + 1 :])


@given(st.text() | st.text("0123456789", max_size=60).map(signed))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
    except InvalidBrCode:
        return


@given(st.text(min_size=1), st.text(min_size=1), st.text())
def test_any_name_and_city_are_written_or_named_as_wrong(
    name: str, city: str, description: str
) -> None:
    try:
        code = read(static_code(EVP, name, city, description=description, amount_minor=1))
    except InvalidBrCode as error:
        assert error.rule in ("name", "city")  # noqa: PT017 - the rule depends on the text
        return
    assert code.name == plain_text(name, 25)
    assert len(code.city) <= 15


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("000201", "000202", "structure"),
        ("000201", "0102110002" + "01", "structure"),
        ("5303986", "5303840", "structure"),
        ("5802BR", "5802PT", "structure"),
        ("5802BR", "5802BR5802BR", "structure"),
        ("5802BR", "5800", "structure"),
        ("5802BR", "50005802BR", "structure"),
        ("0136123e4567", "0137123e4567", "structure"),
        ("br.gov.bcb.pix", "br.com.outro.x", "structure"),
        ("62070503***", "", "structure"),
        ("62070503***", "62070703***", "structure"),
        ("5913Fulano de Tal", "", "name"),
        ("5913Fulano de Tal", "5926Fulano de Tal e de Outros", "structure"),
        ("5913Fulano de Tal", "5926Fulano de Tal de Outros Xy", "name"),
        ("6008BRASILIA", "6016BRASILIABRASILIA", "city"),
        ("52040000", "5204000X", "category"),
        ("5802BR", "54041,005802BR", "amount_minor"),
        ("5802BR", "54040.005802BR", "amount_minor"),
        ("5802BR", "54051.0005802BR", "amount_minor"),
        ("5802BR", "54021٣5802BR", "characters"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_name(old: str, new: str, rule: str) -> None:
    text = MANUAL_STATIC[:-8].replace(old, new, 1)
    assert text != MANUAL_STATIC[:-8]
    with pytest.raises(InvalidBrCode) as failure:
        read(signed(text) if text.isascii() else text)
    assert failure.value.rule == rule


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(InvalidBrCode) as failure:
        read("0" * 100_000)
    assert failure.value.rule == "size"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"key": None}, "key"),
        ({"location": "pix.example.com/x"}, "key"),
        ({"key": "x" * 78}, "key"),
        ({"key": None, "location": "https://pix.example.com/x"}, "location"),
        ({"key": None, "location": "pix.example.com/a b"}, "location"),
        ({"key": None, "location": "p" * 78}, "location"),
        ({"key": None, "location": "pix.example.com/x", "description": "x"}, "description"),
        ({"description": "x" * 38}, "description"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": 10**12}, "amount_minor"),
        ({"txid": "***"}, "txid"),
        ({"txid": "x" * 26}, "txid"),
        ({"name": "x" * 26}, "name"),
        ({"city": ""}, "city"),
        ({"city": "São Paulo"}, "city"),
        ({"category": "12"}, "category"),
        ({"gui": "br.com.outro.x"}, "gui"),
        ({"postal_code": ""}, "postal_code"),
    ],
)
def test_nothing_is_written_that_could_not_be_read(changes: dict[str, Any], rule: str) -> None:
    fields: dict[str, Any] = {"name": "Loja", "city": "Recife", "key": EVP} | changes
    with pytest.raises(InvalidBrCode) as failure:
        write(BrCode(**fields))
    assert failure.value.rule == rule


@pytest.mark.parametrize("txid", ["***", "", "a-b", "ção", "x" * 26])
def test_a_static_codes_txid_is_letters_and_digits(txid: str) -> None:
    with pytest.raises(InvalidBrCode):
        static_code(EVP, "Loja", "Recife", txid=txid)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("São João del-Rei", "Sao Joao del-Rei"),
        ("  Café   & Cia\t", "Cafe & Cia"),
        ("Padaria Nossa Senhora da Conceição", "Padaria Nossa Senhora da"),
        ("№ 12", "No 12"),
        ("中文", ""),
        ("a\x00b\nc", "a b c"),
    ],
)
def test_names_as_a_code_takes_them(text: str, plain: str) -> None:
    assert plain_text(text, 25) == plain


def test_a_description_is_cut_to_the_room_beside_the_key() -> None:
    code = read(static_code(EVP, "Loja", "Recife", description="Pão de açúcar " * 9, txid="A1"))
    assert code.description == "Pao de acucar Pao de acucar Pao de ac"
    assert (code.txid, code.amount_minor) == ("A1", None)
