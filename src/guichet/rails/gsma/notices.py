"""Callbacks of GSMA's API: which order they name. They are not signed and prove nothing.

The body is the transaction or an error; the order is named by our own correlation id in a header,
or by our key as the requesting organisation's reference. That the address was the operator's to
know is checked before, by the token in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from guichet.domain.outcomes import Notice
from guichet.rails.gsma.wire import Wire
from guichet.rails.mobile_money import key_of
from guichet.rails.port import ForgedNotice, Inbound

EVENT_TYPES = frozenset({"transaction", "error"})


class _Callback(Wire):
    """Of a callback's body only whose it is."""

    requesting_organisation_transaction_reference: str | None = None


def hear(inbound: Inbound) -> Sequence[Notice]:
    """The order that a callback names; raises ``ForgedNotice`` for what is no callback."""
    try:
        callback = msgspec.json.decode(inbound.body, type=_Callback)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ForgedNotice from None
    key = key_of(inbound.headers.get("x-correlationid"))
    key = key or key_of(callback.requesting_organisation_transaction_reference)
    if key is None:
        raise ForgedNotice
    return [Notice(attempt_key=key)]
