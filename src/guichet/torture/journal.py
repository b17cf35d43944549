"""The first book: what the load client meant to do, written before it did it, and what came of it.

Every try ends in one of three classes; anything else is a failure of the run by itself.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple


class Fate(StrEnum):
    """What a try came to: done for certain, certainly not done, or one of the two."""

    OK = "ok"
    DEFINITIVE = "definitive"
    AMBIGUOUS = "ambiguous"


class Unclassified(Exception):
    """An answer that says nothing a client can rely on: a defect."""


def classify(status: int, retry_after: str | None = None, body: bytes = b"") -> Fate:
    """The class of an answer; raises ``Unclassified``."""
    if status in (200, 201, 202, 303):
        return Fate.OK
    if status == 409 and b"still running" in body:
        return Fate.AMBIGUOUS  # an earlier try of ours, whose answer was lost
    if 400 <= status < 500:
        return Fate.DEFINITIVE
    if status == 503 and retry_after is not None:
        return Fate.AMBIGUOUS
    raise Unclassified(f"an answer of {status}, Retry-After: {retry_after}")


class Told(NamedTuple):
    """What an answer says of a payment: its id, the rest of it, and the payer's code.

    The code is apart, for an early answer may not know it yet.
    """

    id: str
    digest: str
    code: str | None = None


def neopay_says(body: bytes) -> Told | None:
    """What Neopay's answer to the creation of a payment says; None for another answer."""
    if not body.startswith(b"{"):
        return None
    payment, code = json.loads(body)["payment"], None
    if "qr_code" in payment:
        code = payment.pop("qr_code")
        del payment["qr_code_image"]
        body = json.dumps(payment).encode()
    return Told(payment["id"], hashlib.sha256(body).hexdigest(), code)


@dataclass(frozen=True)
class Try:
    """One request and what came back: nothing, for a lost connection or a time-out."""

    sent_at: float
    fate: Fate
    status: int | None = None
    payment_id: str | None = None
    digest: str | None = None
    #: The payer's code, of which an early answer may not know yet; not part of ``digest``.
    code: str | None = None


@dataclass
class Write:
    """Something that a client wanted of what ``key`` names.

    ``create`` a payment, ``start`` one, ``return`` to one; ``process`` one by a handset, ``send`` a
    transfer, ``refund`` a payment. ``application_id``, ``amount`` (as text) and ``currency`` are of
    what is to be made.
    """

    number: int
    kind: str
    key: str
    application_id: str = ""
    amount: str = ""
    currency: str = ""
    tries: list[Try] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[Try]:
        return [each for each in self.tries if each.fate is Fate.OK]


class Journal:
    """Lines of JSON, each flushed before the client goes on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._count = 0
        self.tries = 0
        self.acknowledged = 0
        self.acknowledged_at = 0.0

    def close(self) -> None:
        self._file.close()

    def intend(self, kind: str, key: str, **details: str) -> int:
        """Write down what is about to be sent; returns its number."""
        self._count += 1
        self._line({"number": self._count, "kind": kind, "key": key, **details})
        return self._count

    def conclude(
        self, number: int, sent_at: float, fate: Fate, status: int | None, told: Told | None = None
    ) -> None:
        """Write down what came of a try."""
        line: dict[str, Any] = {"of": number, "sent_at": sent_at, "fate": fate, "status": status}
        if told is not None and fate is Fate.OK:
            line |= {"payment_id": told.id, "digest": told.digest}
            if told.code is not None:
                line["code"] = told.code
        self.tries += 1
        self.acknowledged += fate is Fate.OK
        if fate is Fate.OK:
            self.acknowledged_at = now()
        self._line(line)

    def _line(self, content: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(content) + "\n")


def now() -> float:
    """Seconds on the one clock that the journal and the faults share."""
    return time.monotonic()


def read_journal(path: Path) -> list[Write]:
    """What the file says."""
    writes: dict[int, Write] = {}
    with path.open() as lines:
        for line in lines:
            content = json.loads(line)
            if "of" in content:
                number = content.pop("of")
                content["fate"] = Fate(content["fate"])
                writes[number].tries.append(Try(**content))
            else:
                writes[content["number"]] = Write(**content)
    return list(writes.values())
