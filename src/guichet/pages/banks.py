"""The list from which a payer chooses a bank: by country and by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from babel import Locale

from guichet.domain.institutions import Institution

#: As many banks as are shown at once; whoever does not see theirs types some of its name.
_SHOWN_MAX = 60
_SEARCH_MAX = 100
#: Groupings, places without people to pay, and codes for tests, which the locale data name too.
_NO_COUNTRIES = frozenset(
    (
        "AC",
        "AQ",
        "BV",
        "CP",
        "CQ",
        "DG",
        "EA",
        "EU",
        "EZ",
        "HM",
        "IC",
        "QO",
        "TA",
        "UN",
        "XA",
        "XB",
        "ZZ",
    )
)


class BankChoice(NamedTuple):
    """What the list shows. ``countries`` are (code, name) of all banks' countries, ``country`` the
    chosen code or empty for all; ``banks`` are those found, ``total`` how many there are of them.
    """

    countries: Sequence[tuple[str, str]]
    country: str
    search: str
    banks: Sequence[Institution]
    total: int


def choose_banks(
    offered: Iterable[Institution], country: str, search: str, locale: Locale
) -> BankChoice:
    """The banks among ``offered`` that serve ``country`` and whose names hold the words of
    ``search``, without regard to accents and capitals.
    """
    offered = list(offered)
    countries = named_countries({code for bank in offered for code in bank.countries}, locale)
    if country not in {code for code, _ in countries}:
        country = ""
    search = search.strip()[:_SEARCH_MAX]
    words = _plain(search).split()
    found = [
        bank
        for bank in offered
        if (not country or country in bank.countries)
        and all(word in _plain(bank.name) for word in words)
    ]
    found.sort(key=lambda bank: (_plain(bank.name), bank.id))
    return BankChoice(countries, country, search, found[:_SHOWN_MAX], len(found))


def likely_country(offered: Iterable[Institution], *guesses: str | None) -> str:
    """The first of ``guesses`` in which there is a bank, else empty."""
    known = {code for bank in offered for code in bank.countries}
    return next((guess for guess in guesses if guess in known), "")


def named_countries(codes: Iterable[str], locale: Locale) -> list[tuple[str, str]]:
    """(code, name) of countries, in the order of their names in ``locale``'s language."""
    named = [(code, locale.territories.get(code, code)) for code in codes]
    return sorted(named, key=lambda item: _plain(item[1]))


@cache
def _countries_in(locale_name: str) -> list[tuple[str, str]]:
    locale = Locale.parse(locale_name)
    codes = (str(code) for code in locale.territories)
    countries = (
        code for code in codes if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    )
    return named_countries(countries, locale)


def all_countries(locale: Locale) -> list[tuple[str, str]]:
    """(code, name) of every country where a payer may live."""
    return _countries_in(str(locale))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
