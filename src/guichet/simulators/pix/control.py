"""The control API under ``/_control``: pay, return, claim, break things, move time, look inside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.routing import Route

from guichet.simulators.common.commands import address_of, command, fault_commands, number_of
from guichet.simulators.common.faults import Faults
from guichet.simulators.common.wire import Refusal, text_of, timestamp

from .api import OPERATIONS
from .banks import BANKS, DEFAULT_BANK
from .book import Book, Conflict, Habits, Rejected
from .brcode import NotBrCode, read
from .money import amount_of, cents_of
from .orders import Orders
from .payers import EXACT, SCENARIOS, Payer, Scenario, scenario_of
from .reasons import REASONS
from .records import REMOVED_BY_PSP, Charge, Payment, Receiver, Return
from .tokens import Tokens
from .webhooks import Webhooks
from .wire import Writer

_HABITS: dict[str, tuple[object, ...]] = {
    "repeated_txid": ("change", "refuse"),
    "copy_and_paste": (True, False),
    "returns": ("settle", "stay", "refuse"),
}


class Control:
    """The control API over one simulator's parts."""

    def __init__(
        self,
        book: Book,
        faults: Faults,
        webhooks: Webhooks,
        tokens: Tokens,
        writer: Writer,
        orders: Orders,
    ) -> None:
        self._book = book
        self._faults = faults
        self._webhooks = webhooks
        self._tokens = tokens
        self._writer = writer
        self._orders = orders

    def routes(self) -> list[Route]:
        return [
            command("GET", "state", self._state),
            command("POST", "reset", self._reset),
            command("POST", "pay", self._pay),
            command("POST", "return", self._decide_return),
            command("POST", "med", self._claim),
            command("POST", "remove", self._remove),
            command("POST", "clock", self._move_clock),
            command("POST", "webhook", self._set_webhook),
            command("POST", "flush", self._flush),
            command("POST", "habits", self._set_habits),
            command("POST", "receivers", self._add_receiver),
            command("POST", "revoke", self._revoke_tokens),
            *fault_commands(self._faults, OPERATIONS),
        ]

    def _state(self, _asked: dict[str, Any]) -> object:
        return {
            "now": timestamp(self._book.now()),
            "calls": dict(self._book.calls),
            "receivers": [_receiver(each) for each in self._book.receivers.values()],
            "charges": [_charge(self._book, each) for each in self._book.charges.values()],
            "payments": [_payment(each) for each in self._book.payments.values()],
            "rejections": [
                {
                    "txid": each.txid,
                    "amount": amount_of(each.amount_minor),
                    "code": each.code,
                    "at": timestamp(each.at),
                }
                for each in self._book.rejections
            ],
            "habits": asdict(self._book.habits),
            "faults": self._faults.as_json(),
            "webhook": {
                "batch": self._webhooks.batch,
                "waiting": sum(map(len, self._webhooks.waiting.values())),
                "sent": list(self._webhooks.sent),
            },
        }

    def _reset(self, _asked: dict[str, Any]) -> object:
        self._book.reset()
        self._faults.clear()
        self._webhooks.reset()
        self._orders.reset()
        return {"reset": True}

    # Money --------------------------------------------------------------------------------------

    def _pay(self, asked: dict[str, Any]) -> object:
        scenario = _scenario(asked)
        payer = _payer(asked)
        amount = _amount(asked, required=False)
        times = int(number_of(asked, "times", 1, 100, scenario.times))
        late = asked.get("late", False)
        if not isinstance(late, bool):
            raise Refusal(422, "late must be true or false")
        information = text_of(asked, "information", required=False)
        try:
            charge = self._charge_named(asked)
            payments = self._book.pay_charge(
                charge,
                payer,
                scenario,
                amount_minor=amount,
                times=times,
                late=late,
                information=information,
            )
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        except Rejected as rejected:
            english, _ = REASONS[rejected.code]
            return {"payments": [], "rejected": {"code": rejected.code, "message": english}}
        return {"payments": [_payment(each) for each in payments], "rejected": None}

    def _charge_named(self, asked: dict[str, Any]) -> Charge:
        if "code" in asked:
            try:
                location = read(text_of(asked, "code") or "").location
            except NotBrCode as error:
                raise Refusal(422, f"code is not a Pix code: {error}") from error
            charge = self._book.charge_at(self._writer.token_in(location or "") or "")
        else:
            charge = self._book.find_charge(text_of(asked, "txid") or "")
        if charge is None:
            raise Refusal(404, "There is no such charge")
        return charge

    def _decide_return(self, asked: dict[str, Any]) -> object:
        payment = self._payment_named(asked)
        found = payment.returns.get(text_of(asked, "id") or "")
        if found is None:
            raise Refusal(404, "There is no such return")
        decision = text_of(asked, "decision")
        try:
            if decision == "settle":
                self._book.settle_return(payment, found)
            elif decision == "fail":
                self._book.fail_return(payment, found, _code(asked, "reason", "AC06"))
            else:
                raise Refusal(422, "decision must be settle or fail")
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        return {"return": _return(found)}

    def _claim(self, asked: dict[str, Any]) -> object:
        payment = self._payment_named(asked)
        kind = asked.get("kind", "fraud")
        if kind not in ("fraud", "operational"):
            raise Refusal(422, "kind must be fraud or operational")
        try:
            found = self._book.claim(payment, kind, _amount(asked, required=False))
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        return {"return": _return(found)}

    def _payment_named(self, asked: dict[str, Any]) -> Payment:
        if "txid" in asked:
            charge = self._charge_named(asked)
            payment = charge.payments[-1] if charge.payments else None
        else:
            payment = self._book.payments.get(text_of(asked, "endToEndId") or "")
        if payment is None:
            raise Refusal(404, "There is no such payment")
        return payment

    def _remove(self, asked: dict[str, Any]) -> object:
        charge = self._charge_named(asked)
        try:
            self._book.remove(charge, REMOVED_BY_PSP)
        except Conflict as conflict:
            raise Refusal(409, str(conflict)) from conflict
        return {"charge": _charge(self._book, charge)}

    # Time, webhooks, habits, receivers ----------------------------------------------------------

    def _move_clock(self, asked: dict[str, Any]) -> object:
        self._book.advance(float(number_of(asked, "advance_seconds", 0, 10**9)))
        return {"now": timestamp(self._book.now())}

    def _set_webhook(self, asked: dict[str, Any]) -> object:
        if "batch" in asked:
            self._webhooks.batch = int(number_of(asked, "batch", 1, 1000))
        if "url" in asked:
            receiver = self._receiver_named(asked)
            receiver.webhook_url = address_of(asked, "url")
            receiver.webhook_created_at = self._book.now() if receiver.webhook_url else None
        urls = {each.key: each.webhook_url for each in self._book.receivers.values()}
        return {"urls": urls, "batch": self._webhooks.batch}

    def _receiver_named(self, asked: dict[str, Any]) -> Receiver:
        key = text_of(asked, "key", required=False)
        if key is None:
            return next(iter(self._book.receivers.values()))
        receiver = self._book.receiver_of_key(key)
        if receiver is None:
            raise Refusal(404, "There is no such key")
        return receiver

    def _flush(self, _asked: dict[str, Any]) -> object:
        return {"sent": self._webhooks.flush()}

    def _set_habits(self, asked: dict[str, Any]) -> object:
        for name, value in asked.items():
            if name not in _HABITS or value not in _HABITS[name]:
                known = "; ".join(f"{each}: {values}" for each, values in _HABITS.items())
                raise Refusal(422, f"habits are {known}")
        self._book.habits = Habits(**(asdict(self._book.habits) | asked))
        return asdict(self._book.habits)

    def _add_receiver(self, asked: dict[str, Any]) -> object:
        def text(name: str) -> str:
            return text_of(asked, name) or ""

        receiver = Receiver(
            text("client_id"),
            text("client_secret"),
            text("key"),
            text("name"),
            text("city"),
            text("cnpj"),
        )
        other = self._book.receiver_of_key(receiver.key)
        if other is not None and other.client_id != receiver.client_id:
            raise Refusal(409, "the key belongs to another receiver")
        self._book.receivers[receiver.client_id] = receiver
        return {"receiver": _receiver(receiver)}

    def _revoke_tokens(self, _asked: dict[str, Any]) -> object:
        self._tokens.revoke_all()
        return {"revoked": True}


def _scenario(asked: dict[str, Any]) -> Scenario:
    if "fail" in asked:
        return SCENARIOS[_code(asked, "fail").lower()]
    name = text_of(asked, "scenario", required=False)
    scenario = EXACT if name is None else scenario_of(name)
    if scenario is None:
        raise Refusal(422, f"scenario must be one of {', '.join(SCENARIOS)}")
    return scenario


def _payer(asked: dict[str, Any]) -> Payer:
    usual = Payer()
    name = text_of(asked, "payer", required=False) or usual.name
    cpf = text_of(asked, "cpf", required=False) or usual.cpf
    bank = BANKS.get(text_of(asked, "bank", required=False) or DEFAULT_BANK.id)
    if bank is None:
        raise Refusal(422, f"bank must be one of {', '.join(BANKS)}")
    return Payer(name, cpf, bank)


def _amount(asked: dict[str, Any], *, required: bool = True) -> int | None:
    text = text_of(asked, "amount", required=required)
    cents = cents_of(text)
    if text is not None and not cents:
        raise Refusal(422, "amount must be a text like 37.00")
    return cents


def _code(asked: dict[str, Any], name: str, default: str | None = None) -> str:
    code = (text_of(asked, name, required=default is None) or default or "").upper()
    if code not in REASONS:
        raise Refusal(422, f"{name} must be one of {', '.join(REASONS)}")
    return code


def _receiver(receiver: Receiver) -> dict[str, Any]:
    return {
        "client_id": receiver.client_id,
        "key": receiver.key,
        "name": receiver.name,
        "city": receiver.city,
        "cnpj": receiver.cnpj,
        "webhookUrl": receiver.webhook_url,
    }


def _charge(book: Book, charge: Charge) -> dict[str, Any]:
    return {
        "client_id": charge.receiver.client_id,
        "txid": charge.txid,
        "status": charge.status,
        "revision": charge.revision,
        "amount": charge.terms["valor"]["original"],
        "createdAt": timestamp(charge.created_at),
        "expiresAt": timestamp(book.expires_at(charge)),
        "payments": [each.end_to_end_id for each in charge.payments],
    }


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "endToEndId": payment.end_to_end_id,
        "client_id": payment.receiver.client_id,
        "txid": payment.txid,
        "amount": amount_of(payment.amount_minor),
        "returned": amount_of(payment.returned_minor),
        "scenario": payment.scenario.name,
        "payer": payment.payer.name,
        "paidAt": timestamp(payment.paid_at),
        "returns": [_return(each) for each in payment.returns.values()],
    }


def _return(found: Return) -> dict[str, Any]:
    return {
        "id": found.id,
        "amount": amount_of(found.amount_minor),
        "nature": found.nature,
        "status": found.status,
        "reason": found.reason,
    }
