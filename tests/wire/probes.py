"""Bodies that no honest client sends: bytes that break parsers, and good bodies, damaged."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from wire.client import Client

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
#: Damaged bodies for each target.
_DAMAGED = 10
_BOUNDARY = "multipart/form-data; boundary=b"


class Probe(NamedTuple):
    """A body, what it calls itself, and how it says that it is encoded."""

    body: bytes
    content_type: str | None = JSON
    encoding: str | None = None


class Target(NamedTuple):
    """Where probes go, and a body that is good there."""

    method: str
    path: str
    good: dict[str, Any]


async def probe(client: Client, targets: Sequence[Target]) -> Counter[int]:
    """Send every known probe to one target each and damaged bodies to all; their statuses."""
    statuses: Counter[int] = Counter()
    sent: list[tuple[Target, Probe]] = []
    for number, target in enumerate(targets):
        sent += [(target, each) for each in list(_fixed(target.good))[number :: len(targets)]]
        chance = random.Random(number)
        body = json.dumps(target.good).encode()
        sent += [(target, Probe(_damaged(chance, body))) for _ in range(_DAMAGED)]
    for target, each in sent:
        headers = {"content_type": each.content_type, "content_encoding": each.encoding}
        answer = await client.call(target.method, target.path, each.body, headers=headers)
        assert answer.status < 500, (target, each, answer)
        statuses[answer.status] += 1
    return statuses


def _fixed(good: dict[str, Any]) -> Iterator[Probe]:
    text = json.dumps(good, ensure_ascii=False)
    fields = list(good)
    for value in (
        "NaN", "Infinity", "-Infinity", "1e999999", "-1e999999", "1e-999999", "-0", "0.0000001",
        "9" * 5000, "1" + "0" * 400 + ".5", "0x10", "01", "1_000", ".5", "5.", "+1", "١٢", "tru",
        '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\x01"', '"\\x41"', "'a'", '"', "[", "{",
        "[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, '{"":{"":null}}', '{"__proto__":1}',
        '"' + "é" * 70_000 + '"', "[" + "0," * 5000 + "0]", "null", "false", "[]", "{}", '" "',
        "1e5", "12345678901234567890", '"\U0001f600"', '"\\u202e"', '"a\\nb\\tc"', '["a",{"b":[]}]',
    ):  # fmt: skip
        yield Probe(("{" + f'"{fields[0]}": {value}' + "}").encode())
        yield Probe(json.dumps(good)[:-1].encode() + f', "{fields[-1]}": {value}}}'.encode())
        yield Probe(value.encode())
    yield from (Probe(text.encode(name)) for name in ("utf-16", "utf-32", "utf-16-le", "utf-8-sig"))
    yield Probe(text.encode("latin-1", "replace"), f"{JSON}; charset=latin-1")
    for body in (
        b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf", b" " * 1000,
        b"[" * 100_000, b'{"a":' * 50_000, b'"' * 999, b"\r\n" * 500, b"<xml/>", b"a=1&a=2",
        b'{"a":1}{"b":2}', b'{"a":1},', b"\x1f\x8b\x08", gzip.compress(text.encode()),
    ):  # fmt: skip
        for content_type in (JSON, None, "text/plain", "application/octet-stream", FORM):
            yield Probe(body, content_type)
    yield from _forms()
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "x"):
        yield Probe(gzip.compress(text.encode()), JSON, encoding)


def _forms() -> Iterator[Probe]:
    for body in (
        b"a[b][c][d]=1", b"a" + b"[a]" * 200 + b"=1", b"a[=1&a]=2", b"[]=1", b"a[]=1&a[]=2", b"%",
        b"%zz=%", b"a=%00", b"a=%ed%a0%80", b"a=%ff", b"&".join([b"a=1"] * 1000), b"=", b"&&&&",
        b"a=1&a[b]=2", b"a[b]=1&a=2", "é=é".encode(), b"amount=1e999999", b"a=" + b"x" * 200_000,
    ):  # fmt: skip
        yield Probe(body, FORM)
    mixed = b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    for body in (
        b"", b"--b--", part + b"--b--\r\n", part, part * 1000 + b"--b--\r\n",
        b"--b\r\n\r\n1\r\n--b--",
        part.replace(b'"a"', b'"\x00"') + b"--b--", part.replace(b"1", b"\xff") + b"--b--",
        part.replace(b'name="a"', b"name*=utf-8''%ff") + b"--b--", b"--c\r\n" + part,
        part.replace(b"\r\n\r\n1", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!") + b"--b--",
        part.replace(b"\r\n\r\n", mixed) + b"--b--",
    ):  # fmt: skip
        yield Probe(body, _BOUNDARY)
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/é"):
        yield Probe(part + b"--b--", content_type)


def _damaged(chance: random.Random, body: bytes) -> bytes:
    """The body after one accident: cut, a byte changed, a piece doubled or lost."""
    place = chance.randrange(1, len(body))
    other = chance.randrange(place, len(body))
    match chance.randrange(4):
        case 0:
            return body[:place]
        case 1:
            return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
        case 2:
            return body[:other] + body[place:]
        case _:
            return body[:place] + body[other:]
