"""Which language and which number and date forms a payer's browser asks for."""

from __future__ import annotations

import copy
import gettext
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel import Locale, localedata
from babel.dates import format_date, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern

from guichet.domain.money import Money, exponent

MESSAGES = Path(__file__).parent / "messages"
#: The templates' own words are English; every other language has a catalogue in ``messages/``.
SOURCE_LANGUAGE = "en"
LANGUAGES = (SOURCE_LANGUAGE, *sorted(path.stem for path in MESSAGES.glob("*.po")))

_TAG = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z]{4})?(?:-([A-Za-z]{2}))?(?:-[A-Za-z0-9]{1,8})*\Z")
_QUALITY = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*\Z")
#: Where CLDR's currency spacing belongs, which babel leaves out: ``KWD 1.250``.
_LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
#: A header beyond this is cut: people speak fewer languages.
_TAGS_MAX = 20
_DAY_SECONDS = 86_400
_SORT_CODE = re.compile(r"[0-9]{14}", re.ASCII)


class Speech(NamedTuple):
    """A language of ours, and the locale whose number and date forms go with it."""

    language: str
    locale: Locale


@cache
def _speech(language: str, territory: str) -> Speech:
    name = f"{language}_{territory}"
    known = bool(territory) and localedata.exists(name)
    return Speech(language, Locale.parse(name if known else language))


def negotiate(accept_language: str) -> Speech:
    """The best of our languages for an ``Accept-Language`` value (RFC 9110 12.5.4); else English.

    The territory chooses only number and date forms: ``fr-CM`` reads French with Cameroon's forms.
    """
    wanted: list[tuple[float, str, str]] = []
    for part in accept_language.split(",")[:_TAGS_MAX]:
        tag, _, parameter = part.strip().partition(";")
        match = _TAG.match(tag.strip())
        quality = _QUALITY.match(parameter) if parameter else None
        if match is None or (parameter and quality is None):
            continue
        weight = float(quality.group(1)) if quality else 1.0
        wanted.append((weight, match.group(1).lower(), (match.group(2) or "").upper()))
    wanted.sort(key=lambda item: -item[0])
    for weight, language, territory in wanted:
        if weight > 0 and language in LANGUAGES:
            return _speech(language, territory)
    return _speech(SOURCE_LANGUAGE, "")


def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of ``language``, read from its ``.po`` file."""
    if language == SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    with (MESSAGES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def show_money(money: Money, locale: Locale) -> str:
    """The amount as people of ``locale`` write it, to its last minor unit: ``122,44 £``.

    Decimals are ISO 4217's, as in the ledger: the locale data's own would round some currencies.
    """
    decimals = exponent(money.currency)
    pattern: NumberPattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    amount = Decimal(money.minor).scaleb(-decimals)
    text: str = pattern.apply(amount, locale, currency=money.currency, currency_digits=False)
    return _LETTER_BESIDE_DIGIT.sub("\N{NO-BREAK SPACE}", text)


def show_moment(moment: datetime, locale: Locale) -> str:
    """Date and time of day, in UTC because we do not know where the payer is."""
    moment = moment.astimezone(UTC)
    date = format_date(moment.date(), "long", locale=locale)
    return f"{date}, {format_time(moment, 'short', locale=locale)} UTC"


def show_left(seconds: int, locale: Locale) -> str:
    """How much time is left: hours, minutes and seconds as on a clock, from two days on whole days.

    Never more than there is.
    """
    if seconds >= 2 * _DAY_SECONDS:
        days = timedelta(days=seconds // _DAY_SECONDS)
        return format_timedelta(days, granularity="day", threshold=_DAY_SECONDS, locale=locale)
    minutes, rest = divmod(max(seconds, 0), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def show_account(account: str) -> str:
    """A bank account as it is printed: an IBAN in groups of four, a sort code in pairs."""
    if _SORT_CODE.fullmatch(account):
        return f"{account[:2]}-{account[2:4]}-{account[4:6]} {account[6:]}"
    return " ".join(account[at : at + 4] for at in range(0, len(account), 4))
