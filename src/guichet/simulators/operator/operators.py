"""The operators that are simulated: which numbers are theirs, in which money, by which API.

Ids are the channel names of Notch Pay's list. Brands and colours are invented look-alikes of none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Api = Literal["mtn", "gsma"]

#: ISO 4217 currencies whose amounts have no decimals here.
WITHOUT_CENTS = frozenset({"XAF", "XOF", "UGX", "GNF", "RWF"})


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator in one country.

    ``numbers``: what an MSISDN of its own looks like, digits alone. ``first``: the first of its
    test numbers, which decide what happens (``numbers.py``). ``environment``: the value of
    ``X-Target-Environment`` that reaches it, for those that speak MTN's API. ``menu``: what its
    customers dial.
    """

    id: str
    name: str
    wallet: str
    country: str
    currency: str
    api: Api
    numbers: re.Pattern[str]
    first: str
    colour: str
    accent: str
    menu: str
    environment: str = ""
    opening_balance: int = 1_000_000

    def has(self, number: str) -> bool:
        """Whether the number is one of this operator's."""
        return self.numbers.fullmatch(number) is not None

    @property
    def space(self) -> str:
        """Whose ids are unique together: all that speak MTN's API, or one operator."""
        return "mtn" if self.api == "mtn" else self.id

    @property
    def places(self) -> int:
        """How many decimals its amounts have."""
        return 0 if self.currency in WITHOUT_CENTS else 2


OPERATORS = {
    each.id: each
    for each in (
        Operator(
            id="cm.mtn",
            name="MTN Cameroon",
            wallet="MTN Mobile Money",
            country="CM",
            currency="XAF",
            api="mtn",
            numbers=re.compile(r"237(67\d|65[0-4]|68[0-4])\d{6}"),
            first="237670000000",
            colour="#5c4700",
            accent="#ffcc00",
            menu="*126#",
            environment="mtncameroon",
        ),
        Operator(
            id="cm.orange",
            name="Orange Cameroon",
            wallet="Orange Money",
            country="CM",
            currency="XAF",
            api="gsma",
            numbers=re.compile(r"237(69\d|65[5-9]|68[5-9])\d{6}"),
            first="237690000000",
            colour="#8a3c00",
            accent="#ff7900",
            menu="#150#",
        ),
        Operator(
            id="yoomee",
            name="Yoomee Cameroon",
            wallet="Yoomee Money",
            country="CM",
            currency="XAF",
            api="gsma",
            numbers=re.compile(r"237(66\d)\d{6}"),
            first="237660000000",
            colour="#1d4f8c",
            accent="#59c3ff",
            menu="*188#",
        ),
        Operator(
            id="ci.mtn",
            name="MTN Côte d’Ivoire",
            wallet="MTN Mobile Money",
            country="CI",
            currency="XOF",
            api="mtn",
            numbers=re.compile(r"22505\d{8}"),
            first="2250500000000",
            colour="#5c4700",
            accent="#ffcc00",
            menu="*133#",
            environment="mtnivorycoast",
        ),
        Operator(
            id="ci.orange",
            name="Orange Côte d’Ivoire",
            wallet="Orange Money",
            country="CI",
            currency="XOF",
            api="gsma",
            numbers=re.compile(r"22507\d{8}"),
            first="2250700000000",
            colour="#8a3c00",
            accent="#ff7900",
            menu="#144#",
        ),
        Operator(
            id="sn.orange",
            name="Orange Sénégal",
            wallet="Orange Money",
            country="SN",
            currency="XOF",
            api="gsma",
            numbers=re.compile(r"22177\d{7}"),
            first="221770000000",
            colour="#8a3c00",
            accent="#ff7900",
            menu="#144#",
        ),
        Operator(
            id="ci.moov",
            name="Moov Côte d’Ivoire",
            wallet="Moov Money",
            country="CI",
            currency="XOF",
            api="gsma",
            numbers=re.compile(r"22501\d{8}"),
            first="2250100000000",
            colour="#004b87",
            accent="#f58220",
            menu="*155#",
        ),
        Operator(
            id="sn.free",
            name="Free Sénégal",
            wallet="Free Money",
            country="SN",
            currency="XOF",
            api="gsma",
            numbers=re.compile(r"22176\d{7}"),
            first="221760000000",
            colour="#7a0f1e",
            accent="#ff5b6e",
            menu="#150#",
        ),
        Operator(
            id="bj.mtn",
            name="MTN Bénin",
            wallet="MTN Mobile Money",
            country="BJ",
            currency="XOF",
            api="mtn",
            numbers=re.compile(r"22901(42|46|5[0-4]|56|57|59|6[12679]|9[0167])\d{6}"),
            first="2290196000000",
            colour="#5c4700",
            accent="#ffcc00",
            menu="*880#",
            environment="mtnbenin",
        ),
        Operator(
            id="bj.moov",
            name="Moov Bénin",
            wallet="Moov Money",
            country="BJ",
            currency="XOF",
            api="gsma",
            numbers=re.compile(r"22901(45|55|58|60|63|64|65|68|9[45])\d{6}"),
            first="2290195000000",
            colour="#004b87",
            accent="#f58220",
            menu="*855#",
        ),
        Operator(
            id="gh.mtn",
            name="MTN Ghana",
            wallet="MTN MoMo",
            country="GH",
            currency="GHS",
            api="mtn",
            numbers=re.compile(r"233(24|54|55|59)\d{7}"),
            first="233240000000",
            colour="#5c4700",
            accent="#ffcc00",
            menu="*170#",
            environment="mtnghana",
            opening_balance=20_000,
        ),
        Operator(
            id="ug.mtn",
            name="MTN Uganda",
            wallet="MTN MoMo",
            country="UG",
            currency="UGX",
            api="mtn",
            numbers=re.compile(r"256(77|78)\d{7}"),
            first="256770000000",
            colour="#5c4700",
            accent="#ffcc00",
            menu="*165#",
            environment="mtnuganda",
            opening_balance=5_000_000,
        ),
        Operator(
            id="mtn.sandbox",
            name="MTN sandbox",
            wallet="MTN MoMo",
            country="",
            currency="EUR",
            api="mtn",
            numbers=re.compile(r"[0-9]{6,15}"),
            first="46733000000",
            colour="#5c4700",
            accent="#ffcc00",
            menu="*126#",
            environment="sandbox",
            opening_balance=5_000,
        ),
    )
}

BY_ENVIRONMENT = {each.environment: each for each in OPERATORS.values() if each.environment}


def operator_of(number: str) -> Operator | None:
    """The operator whose number this is (digits with the country's code); None: nobody's.

    MTN's own sandbox takes every number, so it comes last.
    """
    return next((each for each in OPERATORS.values() if each.has(number)), None)
