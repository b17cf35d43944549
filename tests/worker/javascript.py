"""Signatures checked by Node's crypto over bodies that JavaScript parsed and wrote again."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from absent import program
from worker.parts import Received


class Signed(NamedTuple):
    """A body whose ``signature`` is the HMAC-SHA256 of ``prefix`` and body under ``key``."""

    body: bytes
    key: bytes
    signature: bytes
    prefix: bytes = b""


def by_hash(received: Received, header: str, key: str) -> Signed:
    """Notch Pay's manner: hexadecimal, over the body alone."""
    return Signed(received.body, key.encode(), bytes.fromhex(received.headers[header]))


def by_standard(received: Received, secret: str) -> Signed:
    """Standard Webhooks' manner."""
    prefix = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}."
    signature = received.headers["webhook-signature"].removeprefix("v1,")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return Signed(received.body, key, base64.b64decode(signature), prefix.encode())


def by_neopay(received: Received, secret: bytes) -> Signed:
    """Neopay's manner: ``t=…,v1=…``, hexadecimal, over time and body."""
    moment, _, signature = received.headers["x-neopay-signature"].partition(",v1=")
    prefix = f"{moment.removeprefix('t=')}.".encode()
    return Signed(received.body, secret, bytes.fromhex(signature), prefix)


def restringified(signed: Iterable[Signed]) -> list[str]:
    """``valid`` or ``invalid`` of each."""
    node = program("node", "nodejs", "nothing shows that bodies survive JavaScript")
    asked = [
        {name: base64.b64encode(value).decode() for name, value in each._asdict().items()}
        for each in signed
    ]
    done = subprocess.run(
        [node, str(Path(__file__).with_name("restringified.mjs"))],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().split()
