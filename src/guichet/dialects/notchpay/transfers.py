"""Transfers (contract section 7), and the balance that they are paid from (12)."""

from __future__ import annotations

from typing import Any

from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, listing
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.money_out import render_balance, render_transfer
from guichet.dialects.notchpay.queries import asked_days, asked_page, asked_text, asked_words
from guichet.dialects.notchpay.statuses import transfer_states
from guichet.dialects.notchpay.transfer_fields import kept_id, read_wanted
from guichet.dialects.validation import ValidationFailed, say
from guichet.domain.access import Application, Caller
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.errors import NotFound
from guichet.domain.money import is_currency
from guichet.domain.transfers import Transfer
from guichet.gateway import Gateway
from guichet.services.balances import read_balance
from guichet.services.beneficiaries import read_beneficiary
from guichet.services.transfers import (
    TransferFilters,
    cancel_transfer,
    create_transfer,
    list_transfers,
    read_transfer,
)
from guichet.web.asgi import Reply, Request
from guichet.web.strict_json import storable


class Transfers:
    """The handlers of transfers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /transfers, /transfers/initialize, /transfers/direct."""
        application = caller.application
        body = read_fields(request)
        kept = await self._kept(application, body)
        wanted = read_wanted(self._gateway, application, body, kept)
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

    async def _kept(self, application: Application, body: dict[str, Any]) -> Beneficiary | None:
        """The kept beneficiary that a transfer names, if it names one by id and there is one."""
        beneficiary_id = kept_id(body)
        if beneficiary_id is None:
            return None
        try:
            return await read_beneficiary(self._gateway, application, beneficiary_id)
        except NotFound:
            return None


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
