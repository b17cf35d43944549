"""Bodies and addresses that cost a careless reader much: G17's list, for both dialects."""

from __future__ import annotations

import gzip
import json
from typing import NamedTuple

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
#: Just below what is read at all.
SIZE = 262_000


class Bomb(NamedTuple):
    """A request that should be refused cheaply."""

    body: bytes
    content_type: str = JSON
    encoding: str = ""
    is_chunked: bool = False


def payment(amount: str) -> bytes:
    """A payment of either dialect with ``amount`` as written."""
    return (
        b'{"serviceId":"api","institutionId":20,"payment":{"amount":%s,"currency":"GBP"},'
        b'"amount":%s,"currency":"XAF","email":"a@example.com",'
        b'"customer":{"email":"a@example.com","name":"A","country":"GB"}}'
    ) % (amount.encode(), amount.encode())


def customer(**fields: str) -> bytes:
    named = {"email": "a@example.com", "name": "A", "country": "GB", "phone": "+237671234567"}
    return json.dumps({**named, **fields}).encode()


def part(name: str, content: bytes = b"1") -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % name.encode()
    return head + content + b"\r\n"


BOMBS = {
    "deep lists": Bomb(b"[" * SIZE),
    "deep lists, closed": Bomb(b"[" * (SIZE // 2) + b"]" * (SIZE // 2)),
    "deep objects": Bomb(b'{"a":' * (SIZE // 5)),
    "deep objects, closed": Bomb(b'{"a":' * 40_000 + b"1" + b"}" * 40_000),
    "deep in a field": Bomb(payment("[" * 50_000 + "]" * 50_000)),
    "a huge exponent": Bomb(payment("1e999999")),
    "an exponent beyond floats": Bomb(payment("1e400")),
    "a tiny exponent": Bomb(payment("1e-999999")),
    "a long whole number": Bomb(payment("9" * 200_000)),
    "a long fraction": Bomb(payment("0." + "3" * 200_000)),
    "a long number as text": Bomb(payment('"' + "9" * 200_000 + '"')),
    "many long numbers": Bomb(b"[" + b",".join([b"9" * 5000] * 50) + b"]"),
    "not a number": Bomb(payment("NaN")),
    "infinity": Bomb(payment("-Infinity")),
    "a key twice": Bomb(b'{"amount":1,"amount":2}'),
    "a key very often": Bomb(b"{" + b",".join([b'"a":1'] * 40_000) + b"}"),
    "many keys": Bomb(json.dumps({f"k{number}": 1 for number in range(18_000)}).encode()),
    "keys that are escaped": Bomb(b"{" + b",".join([b'"\\u0061":1'] * 20_000) + b"}"),
    "a broken surrogate": Bomb(customer(name="A").replace(b'"A"', b'"\\ud800"')),
    "many escapes": Bomb(b'{"name":"' + b"\\u00e9" * 43_000 + b'"}'),
    "NUL": Bomb(customer(name="A").replace(b'"A"', b'"\\u0000"')),
    "bad UTF-8": Bomb(b'{"name":"\xff\xfe"}'),
    "a byte order mark": Bomb(b"\xef\xbb\xbf{}"),
    "UTF-16": Bomb('{"name":"A"}'.encode("utf-16")),
    "UTF-32 without a mark": Bomb('{"name":"A"}'.encode("utf-32-le")),
    "an endless text": Bomb(b'{"name":"' + b"a" * SIZE),
    "commas to be mended": Bomb(b'{"a":1' + b'\n"a":1' * 2_300 + b"}"),
    "commas that cannot be mended": Bomb(b'"\n' * 8_000),
    "blanks": Bomb(b" " * SIZE),
    "nothing of a name": Bomb(customer(name=" " * 100_000)),
    "a long e-mail": Bomb(customer(email="a" * 100_000 + "@" + "b." * 30_000)),
    "a long phone": Bomb(customer(phone="+" + "1" * 100_000)),
    "a long address": Bomb(b'{"callback_url":"https://%b/"}' % (b"a." * 60_000)),
    "a form of many fields": Bomb(b"&".join([b"a=1"] * 60_000), FORM),
    "a form of one deep field": Bomb(b"a" + b"[b]" * 80_000 + b"=1", FORM),
    "a form of percent signs": Bomb(b"a=" + b"%" * SIZE, FORM),
    "a form in brackets": Bomb(b"a" + b"[" * SIZE + b"=1", FORM),
    "many parts": Bomb(b"".join([part("a")] * 4_000) + b"--b--\r\n", PARTS),
    "parts without an end": Bomb(part("a") + b"--b\r\n" * 50_000, PARTS),
    "a part's endless head": Bomb(b"--b\r\n" + b"A: b\r\n" * 40_000, PARTS),
    "a part in a part": Bomb(
        b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 4_000, PARTS
    ),
    "parts in no language": Bomb(part("a", b"\xff" * 1000) + b"--b--\r\n", PARTS),
    "parts without a border": Bomb(part("a"), "multipart/form-data"),
    "a long border": Bomb(part("a"), "multipart/form-data; boundary=" + "b" * 20_000),
    "a compressed bomb": Bomb(gzip.compress(bytes(100_000_000), 9), JSON, "gzip"),
    "compressed twice": Bomb(gzip.compress(gzip.compress(bytes(1_000_000))), JSON, "gzip, gzip"),
    "compressed by something": Bomb(b"x" * 1000, JSON, "zstd"),
    "compressed without saying so": Bomb(gzip.compress(bytes(100_000_000), 9)),
    "20 MB": Bomb(b'{"a":"' + b"a" * 20_000_000 + b'"}'),
    "20 MB in chunks": Bomb(b'{"a":"' + b"a" * 20_000_000 + b'"}', is_chunked=True),
    "XML with entities": Bomb(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml"),
}

QUERIES = {
    "a page far away": "page=1000000000000&per_page=10",
    "a page beyond all numbers": "page=" + "9" * 4000,
    "a page of everything": "per_page=1000000000&limit=1000000000",
    "thousands of filters": "&".join(f"status[{number}]=complete" for number in range(300)),
    "the same filter often": "&".join(["status=complete"] * 500),
    "a long search": "search=" + "a" * 7000,
    "wild cards": "search=" + "%25_" * 1500,
    "broken percent signs": "search=%&page=%zz&date=%ff%fe",
    "NUL": "search=%00&status=%00",
    "an impossible date": "from=99999-99-99&to=0000-00-00&date_from=NaN",
}
