"""What a PSP posts to our webhook: hints that name payments and refunds, nothing more.

API Pix signs nothing. A notice is the PSP's if the client certificate it came with, verified by
TLS, has the subject that the account expects; and all it causes is a look.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from guichet.domain.outcomes import Notice
from guichet.rails.pix import wire
from guichet.rails.pix.receipts import is_end_to_end_id
from guichet.rails.port import ForgedNotice, Inbound

#: The name of the list in the body is all there is of a type.
EVENT_TYPES = frozenset({"pix"})
_BODY_BYTES_MAX = 262_144
_PAYMENTS_MAX = 1000
_KEY = re.compile(r"[0-9a-f]{32}")
_SUBJECT_CHARACTERS_SHOWN = 200

_log = logging.getLogger(__name__)


def hear(inbound: Inbound, expected_subject: str) -> Sequence[Notice]:
    """The charges and refunds that the notice names; raises ``ForgedNotice``."""
    subject = inbound.client_subject or ""
    if not expected_subject or not subject:
        raise ForgedNotice("no certificate, or none expected")
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


def named(payments: Sequence[wire.Pix], since: datetime | None = None) -> list[Notice]:
    """Our charges and refunds among the payments, each once; nobody else's are named.

    With ``since``, only those of which something was given or taken back since then.
    """
    return list(dict.fromkeys(each for pix in payments for each in _of(pix, since)))


def _of(pix: wire.Pix, since: datetime | None) -> Iterator[Notice]:
    refunds = [
        refund for refund in pix.devolucoes or () if since is None or _is_since(refund, since)
    ]
    if pix.txid is None or not _KEY.fullmatch(pix.txid) or (since is not None and not refunds):
        return
    reference = pix.end_to_end_id if is_end_to_end_id(pix.end_to_end_id) else None
    yield Notice(attempt_key=pix.txid, provider_reference=reference)
    for refund in refunds:
        if _KEY.fullmatch(refund.id):
            yield Notice(attempt_key=refund.id)


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
