"""What a PSP posts to our webhook, or lists: hints that name payments, nothing more.

API Pix signs nothing. A notice is the PSP's if the client certificate it came with, verified by
TLS, has the subject that the account expects; and all it causes is a look.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from guichet.domain.outcomes import Notice
from guichet.rails.pix import wire
from guichet.rails.pix.receipts import is_end_to_end_id
from guichet.rails.pix.statuses import is_taken
from guichet.rails.port import ForgedNotice, Inbound, UnprovableNotice

#: The name of the list in the body is all there is of a type.
EVENT_TYPES = frozenset({"pix"})
_BODY_BYTES_MAX = 1_048_576
_PAYMENTS_MAX = 1000
_KEY = re.compile(r"[0-9a-f]{32}")
_SUBJECT_CHARACTERS_SHOWN = 200

_log = logging.getLogger(__name__)


def hear(inbound: Inbound, expected_subject: str) -> Sequence[Notice]:
    """The charges whose Pix, or their returns, the notice tells of.

    Raises ``ForgedNotice`` and, where no certificate is expected, ``UnprovableNotice``.
    """
    if not expected_subject:
        raise UnprovableNotice
    subject = inbound.client_subject or ""
    if not subject:
        raise ForgedNotice("no certificate")
    if not hmac.compare_digest(subject.encode(), expected_subject.encode()):
        _log.warning("a notice with another certificate: %.*a", _SUBJECT_CHARACTERS_SHOWN, subject)
        raise ForgedNotice("another certificate")
    if len(inbound.body) > _BODY_BYTES_MAX:
        raise ForgedNotice("too large")
    try:
        call = msgspec.json.decode(inbound.body, type=wire.WebhookCall)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ForgedNotice("not the shape of a notice") from None
    if len(call.pix or ()) > _PAYMENTS_MAX:
        raise ForgedNotice("too many payments")
    return named(call.pix or ())


def named(payments: Sequence[wire.Pix]) -> list[Notice]:
    """Our charges among the payments, each Pix once; nobody else's are named."""
    found = (
        Notice(attempt_key=pix.txid, provider_reference=_reference(pix))
        for pix in payments
        if _is_ours(pix)
    )
    return list(dict.fromkeys(found))


def taken_since(payments: Sequence[wire.Pix], since: datetime) -> list[Notice]:
    """Our charges of which something was taken back since then.

    They are named without the Pix: it was reported long ago, and is no sign of the news.
    """
    found = (
        Notice(attempt_key=pix.txid)
        for pix in payments
        if _is_ours(pix)
        and any(is_taken(each.natureza) and _is_since(each, since) for each in pix.devolucoes or ())
    )
    return list(dict.fromkeys(found))


def _is_ours(pix: wire.Pix) -> bool:
    return pix.txid is not None and _KEY.fullmatch(pix.txid) is not None


def _reference(pix: wire.Pix) -> str | None:
    return pix.end_to_end_id if is_end_to_end_id(pix.end_to_end_id) else None


def _is_since(refund: wire.Refund, since: datetime) -> bool:
    """Whether anything happened to the refund since then; one that does not say when may have."""
    times = refund.horario or wire.Times()
    try:
        moments = [
            datetime.fromisoformat(text) for text in (times.solicitacao, times.liquidacao) if text
        ]
        return not moments or max(moments) >= since
    except (ValueError, TypeError):
        return True
