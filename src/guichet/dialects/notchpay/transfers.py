"""Transfers (contract section 7), and the balance that they are paid from (12)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, listing
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.money_out import render_balance, render_transfer
from guichet.dialects.notchpay.queries import asked_days, asked_page, asked_text, asked_words
from guichet.dialects.notchpay.statuses import transfer_states
from guichet.dialects.notchpay.wallets import number_in, read_channel, read_wallet
from guichet.dialects.validation import Field, Form, ValidationFailed, Values, say
from guichet.domain.access import Application, Caller
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.channels import CHANNELS
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.money import is_currency, parse_money
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.balances import read_balance
from guichet.services.beneficiaries import NewBeneficiary, draft_beneficiary, read_beneficiary
from guichet.services.channels import rail_of_channel
from guichet.services.mobile_payments import check_bounds
from guichet.services.transfers import (
    NewTransfer,
    TransferFilters,
    cancel_transfer,
    create_transfer,
    list_transfers,
    read_transfer,
)
from guichet.web.asgi import Reply, Request
from guichet.web.strict_json import storable

#: Names under which clients say who gets the money.
_TARGETS = ("beneficiary", "recipient", "beneficiary_data")
_COMMON = (
    Field("amount", (fields.amount_in("currency"),), rules.required),
    Field("currency", (fields.currency,), rules.required),
    Field("description", (fields.text(256),)),
    Field("reference", (fields.text(255),)),
    Field("statement", (fields.text(22),)),
    Field("metadata", (fields.mapping,)),
)
_TO_NOBODY = Form(
    *_COMMON, Field("channel", (fields.channel,)), Field("beneficiary", (), rules.required)
)
_TO_KEPT = Form(*_COMMON, Field("channel", (fields.channel,)))
_TO_DESCRIBED = Form(
    *_COMMON,
    Field("channel", (fields.channel,), rules.required),
    Field("account_number", (fields.phone,), rules.required),
    Field("name", (fields.text(128),)),
    Field("email", (fields.email, fields.text(240))),
    Field("bank_code", (fields.text(64),)),
)


class _Wanted(NamedTuple):
    """A transfer as it was asked for, and the beneficiary to be kept with it, if they are new."""

    transfer: NewTransfer
    beneficiary: Beneficiary | None


class Transfers:
    """The handlers of transfers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /transfers, /transfers/initialize, /transfers/direct."""
        application = caller.application
        wanted = await self._wanted(application, read_fields(request))
        made = await create_transfer(
            self._gateway, application, wanted.transfer, wanted.beneficiary
        )
        rendered = render_transfer(made)
        return answer(201, "Transfer initialized", "Accepted", transfer=rendered)

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /transfers."""
        page = asked_page(request)
        found = await list_transfers(self._gateway, caller.application, _filters(request), page)
        items = [render_transfer(transfer) for transfer in found.items]
        keys = ("items", "data", "transfers")
        return listing("Transfers retrieved", items, page, found.total, keys)

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /transfers/{ref}."""
        found = await self._find(request, caller)
        return answer(200, "Transfer retrieved", transfer=render_transfer(found))

    async def cancel(self, request: Request, caller: Caller) -> Reply:
        """DELETE /transfers/{ref}: one that no operator was asked for."""
        found = await self._find(request, caller)
        cancelled = await cancel_transfer(self._gateway, caller.application, found.id)
        message = "Your transfer has been canceled"
        return answer(202, message, transfer=render_transfer(cancelled))

    async def balance(self, request: Request, caller: Caller) -> Reply:
        """GET /balance: in the application's currency unless the query names another one."""
        application = caller.application
        currency = (asked_text(request, "currency") or application.currency).upper()
        if not is_currency(currency):
            sentence = say("The selected {} is invalid.", "currency")
            raise ValidationFailed({"currency": [sentence]})
        found = await read_balance(self._gateway, application, currency)
        rendered = render_balance(application.environment, found)
        return answer(200, "Balance retrieved", balance=rendered)

    async def _find(self, request: Request, caller: Caller) -> Transfer:
        """The transfer by our reference or the merchant's own; raises ``NotFound``."""
        key, application = request.parameters["reference"], caller.application
        transfer_id = read_id("transfer", key)
        if transfer_id is not None:
            try:
                return await read_transfer(self._gateway, application, transfer_id)
            except NotFound:
                pass  # a merchant's own reference may look like ours
        if not storable(key):
            raise NotFound("transfer", key)
        return await read_transfer(self._gateway, application, key)

    async def _wanted(self, application: Application, body: dict[str, Any]) -> _Wanted:
        """What the body asks for, checked; raises ``ValidationFailed`` and ``Invalid``."""
        if isinstance(body.get("currency"), str):
            body["currency"] = body["currency"].upper()
        field, text, described = _target(body)
        kept_id = read_id("beneficiary", text) if text else None
        if field is None:
            _TO_NOBODY.check({**body, "beneficiary": None})
        if kept_id is not None:
            values = _TO_KEPT.check(body)
            try:
                kept = await read_beneficiary(self._gateway, application, kept_id)
            except NotFound:
                raise Invalid(field or "beneficiary", "unknown") from None
            channel = read_channel(values["channel"] or kept.channel, kept.account_number)
            new = None
        else:
            values = _TO_DESCRIBED.check(_flat(body, text, described))
            channel, number = read_wallet(values["channel"], values["account_number"])
            new = kept = draft_beneficiary(
                application,
                NewBeneficiary(
                    name=values["name"] or number,
                    channel=channel,
                    phone_number=number,
                    email=values["email"],
                    bank_code=values["bank_code"],
                ),
                self._gateway.clock.now(),
            )
        money = parse_money(fields.plain_amount(values["amount"]), values["currency"])
        check_bounds(money, channel)
        rail = rail_of_channel(self._gateway, application, channel, sends=True)
        if rail is None:
            raise Invalid("channel", "unknown")
        transfer = NewTransfer(
            money=money,
            rail=rail.card.name,
            destination=kept._replace(channel=channel.id).destination,
            beneficiary_id=kept.id,
            reference=values["reference"],
            description=values["description"],
            details=_details(values),
        )
        return _Wanted(transfer, new)


def _target(body: Mapping[str, Any]) -> tuple[str | None, str | None, Mapping[str, Any]]:
    """The field that says who gets the money; the id or number in it, or their description."""
    for field in _TARGETS:
        value = body.get(field)
        if value in (None, {}, []):
            continue
        if isinstance(value, dict):
            return field, fields.as_text(value.get("id")), value
        text = fields.as_text(value)
        if text is None:
            raise ValidationFailed({field: [say("The selected {} is invalid.", field)]})
        return field, text, {}
    return None, None, {}


def _flat(
    body: Mapping[str, Any], text: str | None, described: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields of a transfer to one who is described, wherever the body has them."""
    provider = described.get("provider")
    channel = body.get("channel") or described.get("channel")
    return {
        **body,
        "account_number": number_in(described) or text or number_in(body),
        "channel": channel or (provider if provider in CHANNELS else None),
        **{name: described.get(name) or body.get(name) for name in ("name", "email", "bank_code")},
    }


def _details(values: Values) -> str | None:
    metadata = fields.numbers_made(values["metadata"])
    kept = {"metadata": metadata or None, "statement": values["statement"]}
    return json.dumps(kept) if any(kept.values()) else None


def _filters(request: Request) -> TransferFilters:
    words = asked_words(request, "status")
    search = asked_text(request, "search", "query")
    ours = read_id("transfer", search) if search else None
    created_from, created_before = asked_days(request)
    return TransferFilters(
        statuses=[state for word in words for state in transfer_states(word)] if words else None,
        channels=asked_words(request, "channels") or None,
        search=str(ours) if ours else search,
        created_from=created_from,
        created_before=created_before,
    )
