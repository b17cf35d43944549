"""MTN's callbacks: which order they name. They are not signed and prove nothing.

That the address was MTN's to know is checked before, by the token in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from guichet.domain.outcomes import Notice
from guichet.rails.mobile_money import key_of
from guichet.rails.mtn import wire
from guichet.rails.port import ForgedNotice, Inbound

EVENT_TYPES = frozenset({"PENDING", "SUCCESSFUL", "FAILED"})


def hear(inbound: Inbound) -> Sequence[Notice]:
    """The order that a callback names by the key that we gave it.

    Raises ``ForgedNotice`` for a body that is no callback's.
    """
    try:
        notice = msgspec.json.decode(inbound.body, type=wire.Notice)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ForgedNotice from None
    key = key_of(notice.external_id) or key_of(inbound.headers.get("x-reference-id"))
    if key is None or notice.status is None:
        raise ForgedNotice
    return [Notice(attempt_key=key)]
