"""The control API under ``/_control``: decide, break things, move time, look into the book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from starlette.routing import Route

from guichet.simulators.common.commands import address_of, command, fault_commands, number_of
from guichet.simulators.common.faults import Faults
from guichet.simulators.common.wire import Refusal, text_of, timestamp

from .accounts import accounts_of
from .api import OPERATIONS
from .bank import BankSite
from .book import Book, Conflict
from .institutions import BANKS
from .reasons import REASONS
from .records import Consent, Payment
from .scenarios import scenario_of
from .webhooks import Webhooks

_CONSENT_DECISIONS = ("accept", "refuse", "expire")
_PAYMENT_DECISIONS = ("settle", "fail", "take_back", "pay")


class Control:
    """The control API over one simulator's parts."""

    def __init__(self, book: Book, faults: Faults, webhooks: Webhooks, site: BankSite) -> None:
        self._book = book
        self._faults = faults
        self._webhooks = webhooks
        self._site = site

    def routes(self) -> list[Route]:
        return [
            command("GET", "state", self._state),
            command("POST", "reset", self._reset),
            command("POST", "decide", self._decide),
            command("POST", "clock", self._move_clock),
            command("POST", "webhook", self._set_webhook),
            *fault_commands(self._faults, OPERATIONS),
        ]

    def _state(self, _asked: dict[str, Any]) -> object:
        return {
            "now": timestamp(self._book.now()),
            "calls": dict(self._book.calls),
            "consents": [_consent(each) for each in self._book.all_consents()],
            "payments": [_payment(each) for each in self._book.payments.values()],
            "faults": self._faults.as_json(),
            "webhook": {"url": self._webhooks.url, "sent": list(self._webhooks.sent)},
        }

    def _reset(self, _asked: dict[str, Any]) -> object:
        self._book.reset()
        self._faults.clear()
        self._site.reset()
        self._webhooks.sent.clear()
        return {"reset": True}

    # Decisions ----------------------------------------------------------------------------------

    def _decide(self, asked: dict[str, Any]) -> object:
        decision = text_of(asked, "decision")
        try:
            if decision in _CONSENT_DECISIONS:
                return self._decide_consent(decision, asked)
            if decision in _PAYMENT_DECISIONS:
                return self._decide_payment(decision, asked)
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        known = ", ".join(_CONSENT_DECISIONS + _PAYMENT_DECISIONS)
        raise Refusal(422, f"decision must be one of {known}")

    def _decide_consent(self, decision: str, asked: dict[str, Any]) -> object:
        name = _name(asked, ("consent", "applicationUserId", "paymentIdempotencyId"))
        consent = self._book.find_consent(name)
        if consent is None:
            raise Refusal(404, "There is no such consent")
        if decision == "accept":
            scenario = scenario_of(text_of(asked, "user", required=False) or "mits")
            if scenario is None:
                raise Refusal(422, "user must be one of the test users")
            payer = accounts_of(BANKS[consent.institution_id], scenario.user)[0].as_payer()
            url = self._book.accept(consent, scenario, payer)
        elif decision == "refuse":
            url = self._book.refuse(consent)
        else:
            url = self._book.expire(consent)
        return {"consent": _consent(consent), "callback": url or None}

    def _decide_payment(self, decision: str, asked: dict[str, Any]) -> object:
        name = _name(asked, ("payment", "paymentIdempotencyId"))
        payment = self._book.payments.get(name) or self._book.by_idempotency_id.get(name)
        if payment is None:
            raise Refusal(404, "There is no such payment")
        if decision == "settle":
            self._book.settle(payment)
        elif decision == "pay":
            self._book.settle(payment, _amount(asked))
        elif decision == "fail":
            self._book.fail(payment, _reason(asked, "MS03"))
        else:
            self._book.take_back(payment, _reason(asked, "FOCR"))
        return {"payment": _payment(payment)}

    # Time, webhook        ----------------------------------------------------------------------

    def _move_clock(self, asked: dict[str, Any]) -> object:
        self._book.advance(float(number_of(asked, "advance_seconds", 0, 10**9)))
        return {"now": timestamp(self._book.now())}

    def _set_webhook(self, asked: dict[str, Any]) -> object:
        url = address_of(asked, "url")
        self._webhooks.url = url
        return {"url": url}


def _name(asked: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if name in asked:
            return text_of(asked, name) or ""
    raise Refusal(422, f"one of {', '.join(names)} must say what is decided")


def _amount(asked: dict[str, Any]) -> Decimal:
    value = asked.get("amount")
    try:
        amount = Decimal(str(value))
    except ArithmeticError as error:
        raise Refusal(422, "amount must be a number, or a text that is one") from error
    if not 0 < amount < 10**15:
        raise Refusal(422, "amount must be positive")
    return amount


def _reason(asked: dict[str, Any], default: str) -> str:
    reason = (text_of(asked, "reason", required=False) or default).upper()
    if reason not in REASONS:
        raise Refusal(422, f"reason must be one of {', '.join(REASONS)}")
    return reason


def _consent(consent: Consent) -> dict[str, Any]:
    amount = consent.payment_request["amount"]
    return {
        "id": consent.id,
        "institutionId": consent.institution_id,
        "applicationUserId": consent.application_user_id,
        "paymentIdempotencyId": consent.idempotency_id,
        "status": consent.status,
        "amount": str(amount["amount"]),
        "currency": amount["currency"],
        "user": consent.scenario.user if consent.authorised_at else None,
        "createdAt": timestamp(consent.created_at),
        "expiresAt": timestamp(consent.expires_at),
    }


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "consent": payment.consent.id,
        "applicationUserId": payment.consent.application_user_id,
        "paymentIdempotencyId": payment.consent.idempotency_id,
        "user": payment.scenario.user,
        "status": payment.status,
        "isoStatus": payment.iso_code,
        "reason": payment.reason,
        "asked": str(payment.asked),
        "moved": str(payment.moved),
        "currency": payment.request["amount"]["currency"],
        "movements": [
            {"at": timestamp(moment), "amount": str(amount)} for moment, amount in payment.movements
        ],
        "reads": payment.reads,
        "createdAt": timestamp(payment.created_at),
    }
