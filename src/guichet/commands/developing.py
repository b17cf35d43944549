"""``guichet listen`` and ``guichet trigger``: for those who write a merchant's program.

Both are clients of a sandbox's Notch Pay API that runs elsewhere, by default `guichet run` on this
machine with its demo merchant; neither needs the internet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from guichet.domain.errors import Invalid

_API_URL = "http://127.0.0.1:8000"
_KEY = "sk_test.demo"
_PAYMENT = {"amount": 5000, "currency": "XAF", "email": "trigger@example.cm"}
_CUSTOMER = {"name": "Ada Trigger", "email": "trigger@example.cm"}
_BENEFICIARY = {"name": "Ada Trigger", "channel": "cm.mtn"}


class _Call(NamedTuple):
    """One call of a scenario. ``{name}`` in ``path`` and in texts of ``body`` is what an earlier
    call kept under ``keeps`` (the resource's key; its id is kept).
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    keeps: str | None = None


_CREATE = _Call("POST", "/payments", _PAYMENT, "transaction")
_ADD = _Call("POST", "/customers", _CUSTOMER, "customer")


def _pay(ending: str) -> tuple[_Call, ...]:
    """A payment by a handset that does what its number's ending says (docs/notchpay.md)."""
    body = {"channel": "cm.mtn", "data": {"phone": f"+237670000{ending}"}}
    return (_CREATE, _Call("PUT", "/payments/{transaction}", body))


def _keep(ending: str = "000") -> _Call:
    body = {**_BENEFICIARY, "account_number": f"+237670000{ending}"}
    return _Call("POST", "/beneficiaries", body, "beneficiary")


def _send(ending: str) -> tuple[_Call, ...]:
    body = {"amount": 500, "currency": "XAF", "channel": "cm.mtn", "beneficiary": "{beneficiary}"}
    return (_keep(ending), _Call("POST", "/transfers", {**body, "description": "trigger"}))


_REFUND = (*_pay("000"), _Call("POST", "/refunds", {"payment": "{transaction}"}))
#: How each event is made to happen: not a made-up notification, but the thing itself.
SCENARIOS: Mapping[str, tuple[_Call, ...]] = {
    "payment.created": (_CREATE,),
    "payment.processing": _pay("005"),
    "payment.complete": _pay("000"),
    "payment.failed": _pay("001"),
    "payment.canceled": (_CREATE, _Call("DELETE", "/payments/{transaction}")),
    "payment.expired": _pay("003"),
    "customer.created": (_ADD,),
    "customer.updated": (_ADD, _Call("PUT", "/customers/{customer}", {"name": "Ada Again"})),
    "customer.deleted": (_ADD, _Call("DELETE", "/customers/{customer}")),
    "customer.blocked": (_ADD, _Call("POST", "/customers/{customer}/block")),
    "customer.unblocked": (
        _ADD,
        _Call("POST", "/customers/{customer}/block"),
        _Call("POST", "/customers/{customer}/unblock"),
    ),
    "beneficiary.created": (_keep(),),
    "beneficiary.updated": (
        _keep(),
        _Call("PUT", "/beneficiaries/{beneficiary}", {"name": "Ada Again"}),
    ),
    "beneficiary.deleted": (_keep(), _Call("DELETE", "/beneficiaries/{beneficiary}")),
    "transfer.created": _send("000"),
    "transfer.complete": _send("000"),
    "transfer.failed": _send("001"),
    "refund.created": _REFUND,
    "refund.complete": _REFUND,
}


def listen(*, forward_to: str, events: str = "*", api: str = _API_URL, key: str = _KEY) -> None:
    """Hand on what a sandbox tells to a program on this machine, until Ctrl-C.

    Parameters
    ----------
    forward_to
        Where the program listens: http://127.0.0.1:3000/hook. It gets headers and bytes as sent.
    events
        Names with commas between them; all unless given.
    api
        Where the gateway runs. It must reach this machine: it is for a sandbox beside you.
    key
        The merchant's sandbox key.
    """
    from guichet.server import forwarding

    names = [name.strip() for name in events.split(",") if name.strip()]
    shop = forwarding.Shop(api, key)
    asyncio.run(forwarding.listen(shop, forward_to, names, lambda text: print(text, flush=True)))


def trigger(event: str, *, api: str = _API_URL, key: str = _KEY) -> None:
    """Make an event happen in a sandbox, by the calls that make it happen in life.

    Parameters
    ----------
    event
        payment.complete, refund.complete, transfer.failed… An unknown name lists all.
    api
        Where the gateway runs.
    key
        The merchant's private sandbox key.
    """
    calls = SCENARIOS.get(event)
    if calls is None:
        raise Invalid("event", f"one of {', '.join(SCENARIOS)}")
    asyncio.run(play(calls, api, key))


async def play(calls: tuple[_Call, ...], api: str, key: str) -> None:
    """Make the calls of a scenario, and print each; raises ``CallFailed``."""
    from guichet.outbound.client import GuardedClient
    from guichet.server import forwarding

    http, kept = GuardedClient(), dict[str, str]()
    try:
        for each in calls:
            path = each.path.format(**kept)
            said = await forwarding.call_api(
                http, forwarding.Shop(api, key), each.method, path, _filled(each.body, kept)
            )
            print(f"{each.method} {path}: {said['code']} {said['message']}")
            if each.keeps is not None:
                made = said[each.keeps]
                kept[each.keeps] = made["reference"] if each is _CREATE else made["id"]
    finally:
        await http.aclose()


def _filled(body: Mapping[str, Any] | None, kept: Mapping[str, str]) -> dict[str, Any] | None:
    if body is None:
        return None
    return {
        name: value.format(**kept) if isinstance(value, str) else value
        for name, value in body.items()
    }
