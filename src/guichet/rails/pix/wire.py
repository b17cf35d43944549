"""API Pix's bodies: what we send, built from an order, and what we read of its answers.

Shapes as in Banco Central's OpenAPI file, 2.9.0; the names on the wire are its own. What we read is
no stricter than we need: words of enumerations are text, amounts are checked when they are used.
"""

from __future__ import annotations

import re

import msgspec

from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import Money, minor_to_text
from guichet.domain.orders import CollectOrder, Payer

#: Amounts are text with two decimals, and ten digits before them at most.
_DECIMALS = 2
_AMOUNT = re.compile(r"([0-9]{1,10})\.([0-9]{2})", re.ASCII)
_AMOUNT_MAX = 10**12 - 1
_NAME_CHARACTERS_MAX = 200
_REFERENCE_CHARACTERS_MAX = 140
_CPF = re.compile(r"[0-9]{11}", re.ASCII)
_CNPJ = re.compile(r"[0-9A-Z]{14}", re.ASCII)
_PUNCTUATION = re.compile(r"[\s./-]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Unreadable(ValueError):
    """A value of an answer is not what the API's file says it is."""


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Names are camel-cased on the wire; what is None is left out. Shows no contents in a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


# What we send -------------------------------------------------------------------------------------


class Lifetime(Wire):
    expiracao: int


class Amount(Wire):
    original: str


class Debtor(Wire):
    nome: str
    cpf: str | None = None
    cnpj: str | None = None


class ChargeRequest(Wire):
    calendario: Lifetime
    valor: Amount
    chave: str
    devedor: Debtor | None = None
    solicitacao_pagador: str | None = None


class ChargeRevision(Wire):
    status: str


class RefundRequest(Wire):
    valor: str


class WebhookRequest(Wire):
    webhook_url: str


def charge_request(order: CollectOrder, pix_key: str, lifetime_seconds: int) -> ChargeRequest:
    """The order as a charge that lives ``lifetime_seconds``."""
    return ChargeRequest(
        calendario=Lifetime(expiracao=lifetime_seconds),
        valor=Amount(original=amount_text(order.money)),
        chave=pix_key,
        devedor=debtor(order.payer),
        solicitacao_pagador=line(order.reference, _REFERENCE_CHARACTERS_MAX) or None,
    )


def is_payable(money: Money) -> bool:
    """Whether the amount fits the wire."""
    decimals = EXPONENTS[money.currency]
    return decimals <= _DECIMALS and 0 < money.minor * 10 ** (_DECIMALS - decimals) <= _AMOUNT_MAX


def amount_text(money: Money) -> str:
    """The number as the wire writes it, whatever its currency: 122.44, 5000.00."""
    shift = _DECIMALS - EXPONENTS[money.currency]
    return minor_to_text(money.minor * 10**shift, _DECIMALS)


def debtor(payer: Payer) -> Debtor | None:
    """The payer by CPF or CNPJ; None without a name or a number that has the length of either."""
    number = _PUNCTUATION.sub("", payer.tax_number or "").upper()
    name = line(payer.name or "", _NAME_CHARACTERS_MAX)
    if name and _CPF.fullmatch(number):
        return Debtor(nome=name, cpf=number)
    if name and _CNPJ.fullmatch(number):
        return Debtor(nome=name, cnpj=number)
    return None


def line(text: str, characters_max: int) -> str:
    """The text as one line of at most so many characters; perhaps nothing is left."""
    return " ".join(_CONTROLS.sub(" ", text).split())[:characters_max].strip()


# What we read -------------------------------------------------------------------------------------


class Times(Wire):
    solicitacao: str | None = None
    liquidacao: str | None = None


class Refund(Wire):
    """A ``devolução``: money given back, or taken back."""

    id: str
    status: str
    rtr_id: str | None = None
    valor: object = None
    natureza: str | None = None
    motivo: str | None = None
    horario: Times | None = None


class Pix(Wire):
    """One payment received."""

    end_to_end_id: str
    valor: object = None
    txid: str | None = None
    chave: str | None = None
    devolucoes: list[Refund] | None = None


class ChargeAmount(Wire):
    original: object = None


class Location(Wire):
    location: str | None = None


class Charge(Wire):
    """A ``cobrança imediata``."""

    txid: str
    status: str
    valor: ChargeAmount
    chave: str | None = None
    location: str | None = None
    loc: Location | None = None
    pix_copia_e_cola: str | None = None
    pix: list[Pix] | None = None


class Paging(Wire):
    pagina_atual: int
    quantidade_de_paginas: int
    quantidade_total_de_itens: int


class ListParameters(Wire):
    paginacao: Paging


class PixPage(Wire):
    """One page of the payments received."""

    parametros: ListParameters
    pix: list[Pix] | None = None


class Webhook(Wire):
    webhook_url: str | None = None


class WebhookCall(Wire):
    """What the PSP posts to our webhook."""

    pix: list[Pix] | None = None


class Violation(Wire):
    propriedade: object = None
    razao: object = None


class Problem(Wire):
    """An error's body (RFC 7807); not every PSP keeps to it."""

    type: object = None
    title: object = None
    detail: object = None
    violacoes: object = None


def minor_of(text: object, currency: str) -> int:
    """The minor units of ``currency`` that an amount says; raises ``Unreadable`` otherwise."""
    match = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None or EXPONENTS[currency] > _DECIMALS:
        raise Unreadable("not an amount")
    unit = int(10 ** (_DECIMALS - EXPONENTS[currency]))
    minor, rest = divmod(int(match[1] + match[2]), unit)
    if rest:
        raise Unreadable("more decimals than the currency has")
    return minor
