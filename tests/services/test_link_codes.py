"""Payment links paid by code (PIX): the code is there at once, the payer named by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateways import caller_of
from guichet.domain.errors import Invalid, LinkNotPayable, Unavailable
from guichet.domain.institutions import Institution
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Notice, Outcome, Reply, ShowCode, Waiting
from guichet.gateway import Gateway
from guichet.rails.port import Inbound, RailCard, RailUnavailable
from guichet.rails.registry import Registry
from guichet.services.checkout import open_checkout
from guichet.services.customers import save_customer
from guichet.services.link_payments import open_link, pay_link
from guichet.services.links import close_link
from services.selling import form, payments_of, published

pytestmark = pytest.mark.asyncio(loop_scope="module")

CPF = "06372771390"


@dataclass
class CodeRail:
    """A provider that gives out a code for every order, while it can be reached."""

    reachable: bool = True
    orders: list[CollectOrder] = field(default_factory=list)
    card: RailCard = field(
        default=RailCard(
            name="pix",
            currencies=frozenset({"BRL", "GBP"}),
            authenticity="none: it sends no notices",
            event_types=frozenset({"paid"}),
            deduplicates=True,
            visibility_seconds=0,
            begins_at_creation=True,
            needs_payer=True,
        )
    )

    async def begin(self, order: CollectOrder) -> Outcome:
        if not self.reachable:
            raise RailUnavailable
        self.orders.append(order)
        return Waiting(next_step=ShowCode(f"code of {order.key}"))

    async def advance(self, order: CollectOrder, reply: Reply | None = None) -> Outcome:
        raise NotImplementedError

    async def cancel(self, order: CollectOrder) -> Outcome:
        raise NotImplementedError

    def hear(self, inbound: Inbound) -> Sequence[Notice]:
        raise NotImplementedError

    async def institutions(self) -> Sequence[Institution]:
        return []


@pytest.fixture
def rail() -> CodeRail:
    return CodeRail()


@pytest.fixture
def gateway(shop: Gateway, rail: CodeRail) -> Gateway:
    shop.rails = Registry({**dict(shop.rails.items()), ("pix", "sandbox"): rail})
    return shop


_PIX = {"rail": "pix", "institution_key": None, "name": "Jane", "tax_number": CPF}


async def test_code_is_there_at_once_and_only_one_however_often_the_form_comes(
    gateway: Gateway, rail: CodeRail
) -> None:
    link = await published(gateway, rails=("open_banking", "pix"))
    view = await pay_link(gateway, link.slug, form(**_PIX))
    assert (await open_link(gateway, link.slug)).rails == ("open_banking", "pix")
    assert view.payment.payer_code == f"code of {rail.orders[0].key}"
    assert (view.payment.rail, view.payment.institution_id) == ("pix", None)
    again = await pay_link(gateway, link.slug, form(**_PIX))
    assert again.payment.payer_code == view.payment.payer_code
    assert len(rail.orders) == 1


@pytest.mark.parametrize(
    ("changes", "field_name", "rule"),
    [
        ({"tax_number": ""}, "customer.tax_number", "required"),
        ({"tax_number": "06372771391"}, "customer.tax_number", "unknown"),
        ({"name": ""}, "customer.name", "required"),
    ],
)
async def test_payer_names_themselves_whatever_is_known_of_them(
    gateway: Gateway, rail: CodeRail, changes: dict[str, str], field_name: str, rule: str
) -> None:
    """Anybody may type anybody's e-mail address."""
    known = {"email": "known@example.com", "name": "Known", "tax_number": CPF}
    await save_customer(gateway, caller_of(gateway), None, known)
    link = await published(gateway, rails=("pix",))
    with pytest.raises(Invalid) as refused:
        await pay_link(gateway, link.slug, form(email="known@example.com", **_PIX | changes))
    assert (refused.value.field, refused.value.rule) == (field_name, rule)
    assert rail.orders == []


async def test_form_goes_on_when_the_provider_can_be_reached_again(
    gateway: Gateway, rail: CodeRail
) -> None:
    link = await published(gateway, rails=("pix",), payments_limit=1)
    rail.reachable = False
    with pytest.raises(Unavailable):
        await pay_link(gateway, link.slug, form(**_PIX))
    rail.reachable = True
    view = await pay_link(gateway, link.slug, form(**_PIX))
    assert view.payment.payer_code is not None
    assert await payments_of(gateway, link) == 1


async def test_form_does_not_go_on_once_the_link_is_closed(
    gateway: Gateway, rail: CodeRail
) -> None:
    link = await published(gateway, rails=("pix",))
    rail.reachable = False
    with pytest.raises(Unavailable):
        await pay_link(gateway, link.slug, form(**_PIX))
    rail.reachable = True
    await close_link(gateway, caller_of(gateway), link.id)
    with pytest.raises(LinkNotPayable) as refused:
        await pay_link(gateway, link.slug, form(**_PIX))
    assert (refused.value.state, rail.orders) == ("closed", [])


async def test_code_that_was_given_out_outlives_the_link(gateway: Gateway) -> None:
    link = await published(gateway, rails=("pix",))
    view = await pay_link(gateway, link.slug, form(**_PIX))
    await close_link(gateway, caller_of(gateway), link.id)
    assert (await pay_link(gateway, link.slug, form(**_PIX))).payment == view.payment
    token = gateway.vault.token("checkout", view.payment.id.bytes)
    shown = await open_checkout(gateway, view.payment.id, token)
    assert (shown.payment.payer_code, shown.link_state) == (view.payment.payer_code, "closed")


async def test_link_in_a_currency_that_the_rail_does_not_collect_does_not_offer_it(
    gateway: Gateway,
) -> None:
    link = await published(gateway, rails=("pix", "open_banking"), currency="EUR")
    assert (await open_link(gateway, link.slug)).rails == ("open_banking",)
    with pytest.raises(Invalid):
        await pay_link(gateway, link.slug, form(**_PIX))
