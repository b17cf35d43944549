"""The list of banks on a link's page."""

from __future__ import annotations

import httpx2
import pytest
from babel import Locale

from guichet.domain.institutions import Institution
from guichet.pages.banks import BankChoice, all_countries, choose_banks
from pages.offers import filled
from pages.reading import banks_in, problems_in
from pages.stall import Stall


@pytest.mark.asyncio(loop_scope="module")
async def test_banks_by_country_and_name_without_a_script(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    link, path = await stall.link()
    british = {"accept-language": "en-GB"}
    page = await payer.get(path, headers=british)
    assert banks_in(page) == ["Modelo Sandbox", "NatWest Sandbox"]
    assert '<option value="GB" selected>United Kingdom</option>' in page.text
    french = await payer.get(path, headers={"accept-language": "fr-FR"})
    assert banks_in(french) == ["CIC Sandbox"]

    asked = await payer.get(f"{path}?bank_country=&search=SANDBOX%20cic", headers=british)
    assert banks_in(asked) == ["CIC Sandbox"]
    form = filled(do="banks", bank_country="", search="nat", email="half@")
    found = await payer.post(path, data=form)
    assert (found.status_code, banks_in(found)) == (200, ["NatWest Sandbox"])
    assert 'value="half@"' in found.text
    assert problems_in(found) == {}
    assert await stall.payments_of(link) == []

    none = await payer.get(f"{path}?bank_country=XX&search=zzz")
    assert banks_in(none) == []
    assert "No bank was found" in none.text


@pytest.mark.asyncio(loop_scope="module")
async def test_the_list_of_banks_for_the_script(stall: Stall, payer: httpx2.AsyncClient) -> None:
    _, path = await stall.link()
    part = await payer.get(f"{path}/banks?bank_country=&search=natwest&bank=22")

    assert banks_in(part) == ["NatWest Sandbox"]
    assert 'value="22" checked' in part.text
    assert "<html" not in part.text
    assert part.headers["content-security-policy"]


def a_bank(number: int, name: str, *countries: str) -> Institution:
    return Institution(
        id=number, rail="open_banking", code=f"bank-{number}", name=name, environment="sandbox",
        countries=countries, logo_url=None, icon_url=None, instant_payments=True,
        bulk_payments=False,
    )  # fmt: skip


BANKS = [
    a_bank(1, "Zürcher Kantonalbank", "CH"),
    a_bank(2, "Banco do Estado de São Paulo", "BR"),
    a_bank(3, "Österreichische Bank", "AT", "DE"),
    a_bank(4, "Crédit Agricole", "FR"),
    a_bank(5, "crédit mutuel", "FR"),
]


def _choice(country: str = "", search: str = "") -> BankChoice:
    return choose_banks(BANKS, country, search, Locale.parse("en"))


@pytest.mark.parametrize(
    ("country", "search", "numbers"),
    [
        ("", "", [2, 4, 5, 3, 1]),
        ("DE", "", [3]),
        ("XX", "", [2, 4, 5, 3, 1]),
        ("", "sao paulo", [2]),
        ("", "PAULO banco", [2]),
        ("", "ZURCHER", [1]),
        ("FR", "credit", [4, 5]),
        ("FR", "  ", [4, 5]),
        ("FR", "zürcher", []),
        ("", "%", []),
        ("", ".*", []),
    ],
)
def test_banks_are_found(country: str, search: str, numbers: list[int]) -> None:
    assert [bank.id for bank in _choice(country, search).banks] == numbers


def test_countries_stand_in_the_order_of_their_names() -> None:
    names = [name for _, name in _choice().countries]

    assert names == ["Austria", "Brazil", "France", "Germany", "Switzerland"]


def test_a_long_list_says_how_many_there_are() -> None:
    many = [a_bank(number, f"Bank {number:04}", "GB") for number in range(2000)]
    choice = choose_banks(many, "GB", "", Locale.parse("en"))

    assert (len(choice.banks), choice.total) == (60, 2000)


@pytest.mark.parametrize("locale", ["en", "fr_CM", "es", "pt_BR"])
def test_every_country_can_be_chosen_once(locale: str) -> None:
    countries = all_countries(Locale.parse(locale))

    assert len(countries) == len(dict(countries)) > 240
    assert {"GB", "BR", "CM", "XK"} <= dict(countries).keys()
    assert not {"EU", "UN", "ZZ"} & dict(countries).keys()
