"""Providers' messages as they come, and what a stranger makes of them; by rail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import uuid4

from guichet.gateway import Gateway
from guichet.services.notices import notice_url
from guichet.vault import Vault, generate_key

SUBJECT, SUBJECT_HEADER = "CN=Banco Guara webhooks", "x-client-subject"
SECRET, HASH_KEY = "right", "hsk_test.right"
SIGNATURE = "x-notch-signature"


@dataclass(frozen=True)
class Message:
    """A request to our address. ``token`` is the part of the path that proves something."""

    method: str
    before: str
    token: str
    after: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        return f"{self.before}{self.token}{self.after}"


def _addressed(gateway: Gateway, rail: str, environment: str) -> tuple[str, str]:
    before, _, token = notice_url("", gateway.vault, rail, environment, None).rpartition("/")
    return f"{before}/", token


def _yapily(_: Gateway, environment: str, type_: str, key: str) -> Message:
    body = {
        "id": str(uuid4()),
        "type": type_,
        "event": {"id": "pv3-1", "paymentIdempotencyId": key},
    }
    before = f"/notices/yapily/{environment}/"
    return Message("POST", before, SECRET, body=json.dumps(body).encode())


def _pix(gateway: Gateway, environment: str, type_: str, key: str) -> Message:
    pix = {"endToEndId": "E99900101202611200101abcdefghijk", "txid": key, "valor": "10.00"}
    pix["horario"] = "2026-11-20T01:01:00.000Z"
    headers = {SUBJECT_HEADER: SUBJECT}
    body = json.dumps({type_: [pix]}).encode()
    return Message("POST", *_addressed(gateway, "pix", environment), "/pix", headers, body)


def _mtn(gateway: Gateway, environment: str, type_: str, key: str) -> Message:
    body = {"externalId": key, "amount": "500", "currency": "XAF", "status": type_}
    address = _addressed(gateway, "mtn", environment)
    return Message("PUT", *address, body=json.dumps(body).encode())


def _gsma(gateway: Gateway, environment: str, type_: str, key: str) -> Message:
    bodies = {
        "transaction": {"transactionStatus": "completed", "amount": "500", "currency": "XAF"},
        "error": {"errorCategory": "internal", "errorCode": "genericError"},
    }
    body = bodies.get(type_, {type_: True})
    address = _addressed(gateway, "gsma", environment)
    headers = {"x-correlationid": key}
    return Message("PUT", *address, headers=headers, body=json.dumps(body).encode())


def _notchpay(gateway: Gateway, environment: str, type_: str, key: str) -> Message:
    data = {"id": "trx.1", "reference": "trx.1", "merchant_reference": key, "amount": 500}
    body = json.dumps({"event": type_, "data": data}).encode()
    headers = {SIGNATURE: signed(body, HASH_KEY)}
    address = _addressed(gateway, "notchpay", environment)
    return Message("POST", *address, headers=headers, body=body)


def signed(body: bytes, key: str) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


#: Every connector's messages. A new connector fails the tests until its own are here.
AUTHENTIC: dict[str, Callable[[Gateway, str, str, str], Message]] = {
    "open_banking": _yapily,
    "pix": _pix,
    "mtn": _mtn,
    "gsma": _gsma,
    "notchpay": _notchpay,
}

Forge = Callable[[Gateway, Message, str, str], Iterator[Message]]


def _proofs(message: Message) -> list[str]:
    return [name for name in (SUBJECT_HEADER, SIGNATURE) if name in message.headers]


def _with_header(message: Message, name: str, value: str | None) -> Message:
    headers = {key: text for key, text in message.headers.items() if key != name}
    return replace(message, headers=headers if value is None else {**headers, name: value})


def _without(_: Gateway, message: Message, *__: str) -> Iterator[Message]:
    yield replace(message, token="")
    yield replace(message, before=message.before.rstrip("/"), token="")
    for name in _proofs(message):
        yield _with_header(message, name, None)


def _wrong(_: Gateway, message: Message, *__: str) -> Iterator[Message]:
    for token in ("A" * len(message.token), message.token[:-1], message.token + "A", "%00", "é"):
        yield replace(message, token=token)
    for name in _proofs(message):
        for value in ("wrong", message.headers[name][:-1], message.headers[name].swapcase()):
            yield _with_header(message, name, value)


def _empty(_: Gateway, message: Message, *__: str) -> Iterator[Message]:
    yield replace(message, token="%20")
    for name in _proofs(message):
        yield _with_header(message, name, "")


def _of_the_empty_key(
    _: Gateway, message: Message, rail: str, environment: str
) -> Iterator[Message]:
    subject = f"notices\0{rail}/{environment}/default".encode()
    for digest in (
        hashlib.blake2b(subject, key=b"", digest_size=18).digest(),
        hmac.new(b"", subject, hashlib.sha256).digest()[:18],
    ):
        yield replace(message, token=base64.urlsafe_b64encode(digest).decode())
    if SIGNATURE in message.headers:
        yield _with_header(message, SIGNATURE, signed(message.body, ""))


def _of_a_strangers_key(
    _: Gateway, message: Message, rail: str, environment: str
) -> Iterator[Message]:
    subject = f"{rail}/{environment}/default".encode()
    yield replace(message, token=Vault([generate_key()]).token("notices", subject))
    if SIGNATURE in message.headers:
        yield _with_header(message, SIGNATURE, signed(message.body, generate_key()))
    if SUBJECT_HEADER in message.headers:
        yield _with_header(message, SUBJECT_HEADER, "CN=Banco Outro webhooks")


def _of_another_account(
    gateway: Gateway, message: Message, rail: str, environment: str
) -> Iterator[Message]:
    account = uuid4()
    token = notice_url("", gateway.vault, rail, environment, account).rpartition("/")[2]
    yield replace(message, token=token)
    yield replace(
        message, before=message.before.replace("/default/", f"/{account.hex}/"), token="x"
    )


def _of_another_place(
    gateway: Gateway, message: Message, rail: str, environment: str
) -> Iterator[Message]:
    other = "live" if environment == "sandbox" else "sandbox"
    for purpose, where in (("notices", other), ("checkout", environment), ("return", environment)):
        subject = f"{rail}/{where}/default".encode()
        yield replace(message, token=gateway.vault.token(purpose, subject))


def _of_another_message(_: Gateway, message: Message, *__: str) -> Iterator[Message]:
    if SIGNATURE in message.headers:
        yield replace(message, body=message.body.replace(b"500", b"501"))
        yield replace(message, body=message.body + b" ")
    else:
        yield replace(message, token=signed(message.body, "")[: len(message.token)])


#: The eight forgeries (design/reliability.md, G10).
FORGERIES: dict[str, Forge] = {
    "no proof": _without,
    "a wrong proof": _wrong,
    "an empty proof": _empty,
    "the proof of an empty key": _of_the_empty_key,
    "the proof of a stranger's key": _of_a_strangers_key,
    "the proof of another account": _of_another_account,
    "the proof of another place": _of_another_place,
    "the proof of another message": _of_another_message,
}
