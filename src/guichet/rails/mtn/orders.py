"""One order at MTN, under our key as its ``X-Reference-Id``: see ``mobile_orders``."""

from __future__ import annotations

from dataclasses import dataclass

from guichet.domain.clock import Clock
from guichet.rails.mobile_money import digits_of, uuid_of
from guichet.rails.mobile_orders import Ask, Found, Orders
from guichet.rails.mtn import wire
from guichet.rails.mtn.account import Product
from guichet.rails.mtn.api import MtnApi, Resource
from guichet.rails.mtn.sessions import Door, Session
from guichet.rails.mtn.statuses import known_code, progress, reason_of

_PRODUCTS: dict[Resource, Product] = {
    "requesttopay": "collection",
    "transfer": "disbursement",
    "refund": "disbursement",
}
_REFERENCE_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class MtnAsk(Ask):
    """One order as MTN is asked about it.

    ``party`` are the digits of whose wallet it is about, None where MTN alone knows.
    """

    resource: Resource
    session: Session
    order: wire.Order
    callback_url: str | None
    party: str | None = None

    @property
    def reference_id(self) -> str:
        """Our key as MTN wants it."""
        return uuid_of(self.key)

    @property
    def door(self) -> Door:
        """The way in; raises ``RailUnavailable`` if the account has none for this."""
        return self.session.door(_PRODUCTS[self.resource])


class MtnOrders(Orders[MtnAsk]):
    """Orders at MTN."""

    carrier = "MTN"

    def __init__(self, api: MtnApi, clock: Clock) -> None:
        super().__init__(clock)
        self._api = api

    async def find(self, ask: MtnAsk) -> Found | None:
        """The order by our id."""
        result = await self._api.result(ask.door, ask.resource, ask.reference_id)
        return None if result is None else _found(ask, result)

    async def place(self, ask: MtnAsk) -> None:
        """Post the order; MTN's answer says nothing but that it was taken."""
        await self._api.post(ask.door, ask.resource, ask.reference_id, ask.order, ask.callback_url)


def _found(ask: MtnAsk, result: wire.Result) -> Found:
    party = result.payer if ask.collects else result.payee
    is_ours = result.external_id == ask.key and (
        ask.party is None or party is None or digits_of(party.party_id) == ask.party
    )
    number = result.financial_transaction_id
    code = wire.reason_code(result)
    says = progress(result.status)
    return Found(
        progress=says,
        oddity=None if is_ours else "the order is another one",
        reference=None if number is None else str(number)[:_REFERENCE_CHARACTERS_MAX],
        amount=result.amount,
        currency=result.currency,
        reason=reason_of(code),
        code=known_code(code),
    )
