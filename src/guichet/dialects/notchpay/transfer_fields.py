"""What a transfer's fields ask for, alone or as a row of a bulk (contract 7.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.wallets import number_in, read_channel, read_wallet
from guichet.dialects.validation import Field, Form, ValidationFailed, Values, say
from guichet.domain.access import Application
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.channels import CHANNELS, Channel
from guichet.domain.errors import Invalid
from guichet.domain.money import parse_money
from guichet.gateway import Gateway
from guichet.services.beneficiaries import NewBeneficiary, draft_beneficiary
from guichet.services.channels import rail_of_channel
from guichet.services.mobile_payments import check_bounds
from guichet.services.reserving import NewTransfer

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


class Wanted(NamedTuple):
    """A transfer as it was asked for, and the beneficiary to be kept with it, if they are new."""

    transfer: NewTransfer
    beneficiary: Beneficiary | None


def kept_id(body: Mapping[str, Any]) -> UUID | None:
    """The id of the kept beneficiary that a transfer names, if it names one so.

    Raises ``ValidationFailed``.
    """
    _, text, _ = _target(body)
    return read_id("beneficiary", text) if text else None


def read_wanted(
    gateway: Gateway,
    application: Application,
    body: Mapping[str, Any],
    kept: Beneficiary | None,
) -> Wanted:
    """What a transfer's fields ask for; ``kept`` is the beneficiary of ``kept_id``, if found.

    Raises ``ValidationFailed`` and ``Invalid``.
    """
    if isinstance(body.get("currency"), str):
        body = {**body, "currency": body["currency"].upper()}
    field, text, described = _target(body)
    if field is None:
        _TO_NOBODY.check({**body, "beneficiary": None})
    if text and read_id("beneficiary", text):
        values = _TO_KEPT.check(body)
        if kept is None:
            raise Invalid(field or "beneficiary", "unknown")
        channel = read_channel(values["channel"] or kept.channel, kept.account_number)
        new = None
    else:
        values = _TO_DESCRIBED.check(_flat(body, text, described))
        channel, number = read_wallet(values["channel"], values["account_number"])
        new = kept = _drafted(gateway, application, values, channel, number)
    money = parse_money(fields.plain_amount(values["amount"]), values["currency"])
    check_bounds(money, channel)
    rail = rail_of_channel(gateway, application, channel, sends=True)
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
    return Wanted(transfer, new)


def _drafted(
    gateway: Gateway, application: Application, values: Values, channel: Channel, number: str
) -> Beneficiary:
    new = NewBeneficiary(
        name=values["name"] or number,
        channel=channel,
        phone_number=number,
        email=values["email"],
        bank_code=values["bank_code"],
    )
    return draft_beneficiary(application, new, gateway.clock.now())


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
