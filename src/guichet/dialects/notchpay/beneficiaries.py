"""Beneficiaries (contract section 8), which older clients call recipients."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.envelope import answer, as_object, listing
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.money_out import render_beneficiary
from guichet.dialects.notchpay.queries import asked_page, asked_text
from guichet.dialects.notchpay.wallets import NUMBER_NAMES, number_in, read_wallet
from guichet.dialects.validation import Field, Form, ValidationFailed, Values, say
from guichet.domain import events
from guichet.domain.access import Caller
from guichet.domain.beneficiaries import KINDS
from guichet.domain.channels import CHANNELS, Channel
from guichet.domain.errors import NotFound
from guichet.gateway import Gateway
from guichet.services.beneficiaries import (
    Beneficiary,
    BeneficiaryFilters,
    NewBeneficiary,
    change_beneficiary,
    create_beneficiary,
    list_beneficiaries,
    read_beneficiary,
)
from guichet.web.asgi import Reply, Request

_EMAIL = (fields.email, fields.text(240))
_FREE = (
    Field("email", _EMAIL),
    Field("phone", (fields.phone,)),
    Field("bank_code", (fields.text(64),)),
    Field("description", (fields.text(255),)),
    Field("metadata", (fields.mapping,)),
)
_NEW = Form(
    Field("channel", (fields.channel,), rules.required),
    Field("name", (fields.text(128),), rules.required),
    Field("account_number", (fields.phone,), rules.required),
    Field("country", (fields.country,)),
    Field("currency", (fields.currency,)),
    Field("type", (rules.one_of(*KINDS),)),
    Field("reference", (fields.text(255),)),
    *_FREE,
)
_CHANGES = Form(
    Field("name", (fields.text(128),)),
    Field("account_number", (fields.phone,)),
    *_FREE,
)
_CHANGEABLE = ("name", "email", "phone", "account_number", "bank_code", "description", "metadata")
#: What a beneficiary cannot be without.
_KEPT_SET = ("name", "account_number")


class Beneficiaries:
    """The handlers of beneficiaries."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /beneficiaries."""
        page = asked_page(request)
        country = asked_text(request, "country")
        filters = BeneficiaryFilters(
            search=asked_text(request, "search", "query"),
            country=country.upper() if country else None,
            kind=asked_text(request, "type"),
        )
        found = await list_beneficiaries(self._gateway, caller.application, filters, page)
        items = [render_beneficiary(beneficiary) for beneficiary in found.items]
        keys = ("items", "data", "beneficiaries", "recipients")
        return listing("Beneficiaries retrieved", items, page, found.total, keys)

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /beneficiaries."""
        body = read_fields(request)
        body["account_number"] = number_in(body)
        if body.get("channel") is None and body.get("provider") in CHANNELS:
            body["channel"] = body["provider"]
        for name in ("country", "currency"):
            if isinstance(body.get(name), str):
                body[name] = body[name].upper()
        values = _NEW.check(body)
        channel, number = read_wallet(values["channel"], values["account_number"])
        _check_fits(values, channel)
        new = NewBeneficiary(
            name=values["name"],
            channel=channel,
            phone_number=number,
            email=values["email"],
            phone=fields.as_text(values["phone"]),
            bank_code=values["bank_code"],
            reference=values["reference"],
            description=values["description"],
            details=_details(values),
        )
        made = await create_beneficiary(self._gateway, caller.application, new)
        return _one(201, "Beneficiary created successfully", made)

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /beneficiaries/{id}."""
        found = await read_beneficiary(self._gateway, caller.application, _asked_id(request))
        return _one(200, "Beneficiary retrieved", found)

    async def update(self, request: Request, caller: Caller) -> Reply:
        """PUT /beneficiaries/{id}: absent fields stay; country, currency and type do always."""
        before = await read_beneficiary(self._gateway, caller.application, _asked_id(request))
        body = read_fields(request)
        if "account_number" not in body and body.keys() & set(NUMBER_NAMES[1:-1]):
            body["account_number"] = number_in(body)
        named = [name for name in _CHANGEABLE if name in body]
        if not named:
            raise ValidationFailed({"name": ["At least one field is required."]})
        values = _CHANGES.check(body)
        missing = [name for name in _KEPT_SET if name in named and values[name] is None]
        if missing:
            sentences = {name: [say("The {} field is required.", name)] for name in missing}
            raise ValidationFailed(sentences)
        changes: dict[str, Any] = {
            name: fields.as_text(values[name]) for name in named if name != "metadata"
        }
        if "account_number" in changes:
            _, changes["account_number"] = read_wallet(before.channel, values["account_number"])
        if "metadata" in named:
            details = _details(values)
            if as_object(details) != as_object(before.details):
                changes["details"] = details
        after = await change_beneficiary(
            self._gateway, caller.application, before.id, events.BENEFICIARY_UPDATED, **changes
        )
        return _one(202, "Beneficiary updated successfully", after)

    async def delete(self, request: Request, caller: Caller) -> Reply:
        """DELETE /beneficiaries/{id}: off every list; what they were sent stays."""
        await change_beneficiary(
            self._gateway,
            caller.application,
            _asked_id(request),
            events.BENEFICIARY_DELETED,
            deleted_at=self._gateway.clock.now(),
        )
        return answer(202, "Beneficiary deleted successfully", beneficiary=[], recipient=[])


def _one(code: int, message: str, beneficiary: Beneficiary) -> Reply:
    rendered = render_beneficiary(beneficiary)
    return answer(code, message, beneficiary=rendered, recipient=rendered)


def _check_fits(values: Values, channel: Channel) -> None:
    """What a channel implies may be said, but not otherwise."""
    implied = {"country": channel.country, "currency": channel.currency, "type": "mobile_money"}
    broken = {
        name: [say("The selected {} is invalid.", name)]
        for name, word in implied.items()
        if values[name] not in {None, word}
    }
    if broken:
        raise ValidationFailed(broken)


def _details(values: Values) -> str | None:
    metadata = fields.numbers_made(values["metadata"])
    return json.dumps({"metadata": metadata}) if metadata else None


def _asked_id(request: Request) -> UUID:
    key = request.parameters["id"]
    beneficiary_id = read_id("beneficiary", key)
    if beneficiary_id is None:
        raise NotFound("beneficiary", key)
    return beneficiary_id
