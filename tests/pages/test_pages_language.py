"""Languages, amounts and dates as payers read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx2
import pytest
from babel import Locale
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import Money
from guichet.pages.language import LANGUAGES, MESSAGES, negotiate, show_moment, show_money
from pages.conftest import NewCheckout

_PLACEHOLDER = re.compile(r"%\(\w+\)s")


def sentences() -> set[str]:
    """Every sentence of the templates."""
    found = extract_from_dir(
        str(MESSAGES.parent / "templates"),
        method_map=[("**.html", "jinja2.ext:babel_extract")],
        options_map={"**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}},
    )
    return {str(message) for _file, _line, message, _comments, _context in found}


def test_four_languages_are_spoken() -> None:
    assert set(LANGUAGES) == {"en", "fr", "es", "pt"}


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_the_language_is_complete(language: str) -> None:
    with (MESSAGES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    translated = {str(message.id): message for message in catalogue if message.id}

    assert translated.keys() == sentences()
    for source, message in translated.items():
        text = str(message.string)
        assert text, source
        assert not message.fuzzy, source
        assert sorted(_PLACEHOLDER.findall(text)) == sorted(_PLACEHOLDER.findall(source)), source
        assert not re.search(r"[<>]", text), source


@pytest.mark.parametrize(
    ("header", "language", "locale"),
    [
        ("", "en", "en"),
        ("fr", "fr", "fr"),
        ("fr-CM,fr;q=0.9,en;q=0.8", "fr", "fr_CM"),
        ("pt-BR", "pt", "pt_BR"),
        ("en;q=0.5, es-MX;q=0.7", "es", "es_MX"),
        ("de-DE, it;q=0.9, fr;q=0.1", "fr", "fr"),
        ("de", "en", "en"),
        ("fr;q=0, es", "es", "es"),
        ("FR-fr", "fr", "fr_FR"),
        ("zh-Hant-TW, pt-Latn-PT", "pt", "pt_PT"),
        ("fr-XX", "fr", "fr"),
        ("*", "en", "en"),
        ("fr;q=zzz, es;q=0.1", "es", "es"),
        ("fr;q=1;x, ../../etc/passwd, es", "es", "es"),
        ("x" * 100_000, "en", "en"),
        ("é, fr", "fr", "fr"),
    ],
)
def test_the_browsers_wish_is_read(header: str, language: str, locale: str) -> None:
    speech = negotiate(header)

    assert (speech.language, str(speech.locale)) == (language, locale)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (12244, "GBP", "en_GB", "£122.44"),
        (12244, "GBP", "fr", "122,44 £GB"),
        (123450, "BRL", "pt_BR", "R$ 1.234,50"),
        (123450, "EUR", "es", "1.234,50 €"),
        (5000, "XAF", "fr_CM", "5 000 FCFA"),
        (5000, "JPY", "en", "¥5,000"),
        (1234567, "KWD", "en", "KWD 1,234.567"),
        (999_999_999_999_999, "GBP", "en", "£9,999,999,999,999.99"),
        (1, "GBP", "en", "£0.01"),
        (12345, "MGA", "en", "MGA 123.45"),
    ],
)
def test_amounts_are_written_as_people_there_write_them(
    minor: int, currency: str, locale: str, text: str
) -> None:
    shown = show_money(Money(minor, currency), Locale.parse(locale))

    assert re.sub(r"[\u00a0\u202f]", " ", shown) == text


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_no_amount_is_rounded(currency: str) -> None:
    for minor in (1, 10**15 - 1, 123_456_789_012_345):
        digits = re.sub(r"[^0-9]", "", show_money(Money(minor, currency), Locale.parse("en")))
        assert int(digits) == minor


def test_moments_name_their_zone() -> None:
    moment = datetime(2026, 11, 20, 16, 5, tzinfo=UTC)

    assert show_moment(moment, Locale.parse("fr")) == "20 novembre 2026, 16:05 UTC"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ("Payer John Doe", "350,41", "Continuer vers Modelo Sandbox", "aucun argent réel")),
        ("es", ("Pagar a John Doe", "350,41", "Continuar a Modelo Sandbox", "sin dinero real")),
        ("pt-BR", ("Pagar a John Doe", "350,41", "Continuar para Modelo Sandbox")),
    ],
)
async def test_the_page_speaks_the_payers_language(
    client: httpx2.AsyncClient, new_checkout: NewCheckout, language: str, words: tuple[str, ...]
) -> None:
    checkout = await new_checkout()
    page = await client.get(checkout.path, headers={"accept-language": language})

    assert f'<html lang="{language[:2]}">' in page.text
    assert page.headers["content-language"] == language[:2]
    assert page.headers["vary"] == "Accept-Language"
    for sentence in words:
        assert sentence in page.text
