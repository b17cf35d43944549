"""The JSON of the API Pix: charges, payments and returns as Banco Central's file has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from guichet.simulators.common.wire import timestamp

from .brcode import BrCode, write
from .money import amount_of
from .reasons import REASONS
from .records import Charge, Payment, Receiver, Return

_LONGEST_LOCATION = 77


class Writer:
    """Writes JSON; knows where the locations of this PSP are.

    ``site_url``: the open address of the simulator. Raises ``ValueError`` if locations below it
    would be longer than the 77 characters that a BR Code has room for.
    """

    def __init__(self, site_url: str) -> None:
        parts = urlsplit(site_url)
        self._root = f"{parts.netloc}{parts.path.rstrip('/')}/qr/"
        if len(self._root) + 24 > _LONGEST_LOCATION:
            raise ValueError(f"{site_url} is too long: a location has 77 characters at most")

    def location(self, charge: Charge) -> str:
        """Host and path without a scheme, as in the QR picture."""
        return self._root + charge.token

    def token_in(self, location: str) -> str | None:
        """The token of a location of this PSP, None for a foreign one."""
        if not location.startswith(self._root):
            return None
        return location[len(self._root) :]

    def copy_and_paste(self, charge: Charge) -> str:
        receiver = charge.receiver
        return write(BrCode(receiver.name, receiver.city, location=self.location(charge)))

    def complete(
        self, charge: Charge, *, copy_and_paste: bool, revision: int | None = None
    ) -> dict[str, Any]:
        """``CobCompleta``: the charge with its Pix, or as it stood at an older revision."""
        body = self.made(charge, copy_and_paste=copy_and_paste, revision=revision)
        if charge.payments and body["revisao"] == charge.revision:
            body["pix"] = [payment_json(each) for each in charge.payments]
        return body

    def made(
        self, charge: Charge, *, copy_and_paste: bool, revision: int | None = None
    ) -> dict[str, Any]:
        """``CobGerada``: the charge alone, as those who write it see it."""
        terms, status = charge.terms, charge.status
        if revision is not None and revision != charge.revision:
            terms, status = charge.history[revision]
        body: dict[str, Any] = {
            **terms,
            "calendario": {"criacao": timestamp(charge.created_at), **terms["calendario"]},
            "txid": charge.txid,
            "revisao": charge.revision if revision is None else revision,
            "loc": {
                "id": charge.location_id,
                "txid": charge.txid,
                "location": self.location(charge),
                "tipoCob": "cob",
                "criacao": timestamp(charge.created_at),
            },
            "location": self.location(charge),
            "status": status,
        }
        if copy_and_paste:
            body["pixCopiaECola"] = self.copy_and_paste(charge)
        return body


def payment_json(payment: Payment) -> dict[str, Any]:
    """``Pix``."""
    amount = amount_of(payment.amount_minor)
    body: dict[str, Any] = {
        "endToEndId": payment.end_to_end_id,
        "txid": payment.txid,
        "valor": amount,
        "componentesValor": {"original": {"valor": amount}},
        "chave": payment.receiver.key,
        "horario": timestamp(payment.paid_at),
        "infoPagador": payment.information,
    }
    if payment.returns:
        body["devolucoes"] = [return_json(each) for each in payment.returns.values()]
    return {name: value for name, value in body.items() if value is not None}


def return_json(found: Return) -> dict[str, Any]:
    """``Devolucao``."""
    times = {"solicitacao": timestamp(found.requested_at)}
    if found.settled_at is not None:
        times["liquidacao"] = timestamp(found.settled_at)
    body: dict[str, Any] = {
        "id": found.id,
        "rtrId": found.rtr_id,
        "valor": amount_of(found.amount_minor),
        "natureza": found.nature,
        "descricao": found.description,
        "horario": times,
        "status": found.status,
    }
    if found.reason is not None:
        body["motivo"] = f"{found.reason}: {REASONS[found.reason][1]}"
    return {name: value for name, value in body.items() if value is not None}


def webhook_json(receiver: Receiver) -> dict[str, Any]:
    """``WebhookCompleto`` of a receiver that has one."""
    created_at = receiver.webhook_created_at
    return {
        "webhookUrl": receiver.webhook_url,
        "cnpj": receiver.cnpj,
        "criacao": timestamp(created_at) if created_at is not None else None,
    }
