"""What the connector remembers of an attempt between two calls, as the core keeps it for us."""

from __future__ import annotations

from guichet.domain.orders import CollectOrder
from guichet.rails.pix.receipts import is_end_to_end_id

#: Unix time of the last request for the charge that may have reached the PSP.
POSTED = "posted"
#: The key in the DICT that the charge pays to.
KEY = "chave"
#: Set once the payer may have been shown the code.
SHOWN = "shown"
#: The end-to-end ids of the Pix that came, separated by blanks.
E2EIDS = "e2eids"


def end_to_end_ids(order: CollectOrder) -> list[str]:
    """The Pix reported so far, the first one first."""
    known = (order.memory.get(E2EIDS) or order.provider_reference or "").split()
    return [each for each in known if is_end_to_end_id(each)]
