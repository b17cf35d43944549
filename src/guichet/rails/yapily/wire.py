"""Yapily's bodies: what we send, built from an order, and what we read of its answers.

Shapes as in Yapily's OpenAPI file, 12.13.0. Words of its enumerations are read as text: Yapily may
add some at any time. Amounts are exact JSON numbers in both directions and never floats.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder, Payee

_REFERENCE_CHARACTERS_MAX = 18
_PAYEE_NAME_CHARACTERS_MAX = 70
#: What British banks take in a reference, beside letters and digits.
_NOT_IN_REFERENCE = re.compile(r"[^A-Za-z0-9 ./-]+")
_UK_ACCOUNT = re.compile(r"[0-9]{14}")
#: A JSON number, short enough that exact arithmetic on it is quick. Java writes 1.0E7.
_NUMBER = re.compile(rb"([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:[eE]\+?(-?[0-9]{1,2}))?")


class Unreadable(ValueError):
    """A value of an answer is not what Yapily's file says it is."""


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Names are camel-cased on the wire; what is None is left out. Shows no contents in a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


# What we send -------------------------------------------------------------------------------------


class Amount(Wire):
    """``amount`` is the raw text of a JSON number."""

    amount: msgspec.Raw
    currency: str


class AccountIdentification(Wire):
    type: str
    identification: str


class PayeeDetails(Wire):
    name: str | None = None
    account_identifications: list[AccountIdentification] | None = None


class PaymentRequest(Wire):
    payment_idempotency_id: str
    type: str
    amount: Amount
    payee: PayeeDetails
    reference: str | None = None


class AuthorisationRequest(Wire):
    application_user_id: str
    institution_id: str
    callback: str
    one_time_token: bool
    payment_request: PaymentRequest


class OneTimeToken(Wire):
    one_time_token: str


def payment_request(order: CollectOrder) -> PaymentRequest:
    """The order in Yapily's words: the same bytes each time, as the consent is for exactly them."""
    amount = msgspec.Raw(order.money.text().encode())
    return PaymentRequest(
        payment_idempotency_id=order.key,
        type="DOMESTIC_PAYMENT",
        amount=Amount(amount=amount, currency=order.money.currency),
        payee=PayeeDetails(
            name=order.payee.name[:_PAYEE_NAME_CHARACTERS_MAX],
            account_identifications=identifications(order.payee, order.money.currency),
        ),
        reference=reference(order.reference) or None,
    )


def authorisation_request(order: CollectOrder) -> AuthorisationRequest:
    """What asks for the payer's consent; its user is the attempt, so that we can find it again."""
    return AuthorisationRequest(
        application_user_id=order.key,
        institution_id=order.institution_code,
        callback=order.return_url,
        one_time_token=True,
        payment_request=payment_request(order),
    )


def identifications(payee: Payee, currency: str) -> list[AccountIdentification]:
    """How the payee's account is named: sort code and number for British accounts, else IBAN."""
    account = payee.account.replace(" ", "").replace("-", "")
    if currency == "GBP" and _UK_ACCOUNT.fullmatch(account):
        return [
            AccountIdentification(type="SORT_CODE", identification=account[:6]),
            AccountIdentification(type="ACCOUNT_NUMBER", identification=account[6:]),
        ]
    return [AccountIdentification(type="IBAN", identification=account)]


def reference(text: str) -> str:
    """The reference as banks take it: 18 characters, unaccented; empty when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = " ".join(_NOT_IN_REFERENCE.sub(" ", plain).split())
    return kept[:_REFERENCE_CHARACTERS_MAX].strip()


# What we read -------------------------------------------------------------------------------------


class Consent(Wire):
    """A consent, and equally the answer to a request for one."""

    id: str
    status: str
    application_user_id: str | None = None
    consent_token: str | None = None
    authorisation_url: str | None = None


class ConsentAnswer(Wire):
    data: Consent


class ConsentsAnswer(Wire):
    data: list[Consent]


class ConsentDeletion(Wire):
    delete_status: str


class ConsentDeletionAnswer(Wire):
    data: ConsentDeletion


class IsoStatus(Wire):
    code: str | None = None


class StatusDetails(Wire):
    status: str | None = None
    status_reason: str | None = None
    status_reason_description: str | None = None
    iso_status: IsoStatus | None = None


class Payment(Wire):
    id: str
    status: str | None = None
    payment_idempotency_id: str | None = None
    status_details: StatusDetails | None = None
    payee_details: PayeeDetails | None = None
    amount: msgspec.Raw = msgspec.Raw()
    currency: str | None = None
    amount_details: Amount | None = None


class PaymentAnswer(Wire):
    data: Payment


class Payments(Wire):
    payments: list[Payment]


class PaymentsAnswer(Wire):
    data: Payments


class Country(Wire):
    country_code2: str | None = None


class Media(Wire):
    source: str | None = None
    type: str | None = None


class Institution(Wire):
    id: str
    name: str | None = None
    full_name: str | None = None
    environment_type: str | None = None
    countries: list[Country] | None = None
    media: list[Media] | None = None
    features: list[str] | None = None


class InstitutionsAnswer(Wire):
    data: list[Institution]


class InstitutionError(Wire):
    error_message: str | None = None
    http_status_code: int | None = None


class Problem(Wire):
    code: int | None = None
    status: str | None = None
    message: str | None = None
    source: str | None = None
    institution_error: InstitutionError | None = None


class ProblemAnswer(Wire):
    error: Problem


class PaymentEvent(Wire):
    id: str | None = None
    payment_idempotency_id: str | None = None


class EventNotice(Wire):
    """A webhook's body: https://docs.yapily.com/tools-and-services/webhooks/introduction ."""

    id: str
    type: str
    event: PaymentEvent


def money(payment: Payment) -> Money:
    """What the payment says was moved; raises ``Unreadable`` if it says nothing, or two things."""
    details = payment.amount_details
    said = {exact_money(bytes(details.amount), details.currency)} if details else set()
    if payment.currency and bytes(payment.amount) not in (b"", b"null"):
        said.add(exact_money(bytes(payment.amount), payment.currency))
    if len(said) != 1:
        raise Unreadable("no amount, or two different ones")
    return said.pop()


def exact_money(number: bytes, currency: str) -> Money:
    """The money that a JSON number says, exactly; raises ``Unreadable`` otherwise."""
    match = _NUMBER.fullmatch(number)
    if match is None or currency not in EXPONENTS:
        raise Unreadable("not an amount")
    whole, fraction, power = match[1], match[2] or b"", int(match[3] or 0)
    digits = int(whole + fraction)
    shift = EXPONENTS[currency] + power - len(fraction)
    minor, rest = divmod(digits * 10 ** max(shift, 0), 10 ** max(-shift, 0))
    if rest:
        raise Unreadable("more decimals than the currency has")
    return Money(minor, currency)
