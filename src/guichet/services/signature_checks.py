"""Why a delivery's signature does not verify: which secret, algorithm or byte is wrong.

Everything that receivers get wrong is tried in turn; what makes the given signature is named.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

#: A longer body is not searched for its one wrong byte: it would take minutes.
BYTE_SEARCH_LIMIT_BYTES = 2000
#: Receivers refuse what is older or newer (Standard Webhooks' own libraries).
TOLERANCE_SECONDS = 300

_HEX = re.compile(r"[0-9a-f]+\Z", re.IGNORECASE)
_ALGORITHMS = ("sha256", "sha512", "sha1", "md5")
_NOTCH = ("x-notch-signature", "x-notchpay-signature", "x-noth-signature")
_STANDARD, _NEOPAY = "webhook-signature", "x-neopay-signature"
SIGNATURE_HEADERS = (*_NOTCH, _STANDARD, _NEOPAY)


class Finding(NamedTuple):
    """What is found about one header: valid, or a sentence that says why not."""

    header: str
    is_valid: bool
    text: str


class _Choice(NamedTuple):
    """One way to do one step; ``wrong`` says what is wrong about it, empty for the right one."""

    wrong: str
    value: bytes


def examine(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_seconds: float
) -> list[Finding]:
    """What is found about each signature among the headers, in a fixed order.

    ``secrets`` are as people see them (``whsec_…``, ``hsk…``, ``sk…``); header names are in any
    case.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    present = [name for name in SIGNATURE_HEADERS if name in given]
    if not present:
        return [Finding("headers", is_valid=False, text="no signature is among the headers")]
    findings = [_examine_header(name, secrets, given, body) for name in present]
    late = _lateness(given, now_seconds)
    return [*findings, Finding("time", is_valid=False, text=late)] if late else findings


def _examine_header(
    header: str, secrets: Sequence[str], given: Mapping[str, str], body: bytes
) -> Finding:
    signatures = list(_signatures(header, given[header]))
    if not signatures:
        return Finding(header, is_valid=False, text="it holds no signature in a known form")
    for number, secret in enumerate(secrets, start=1):
        for key, content, algorithm in itertools.product(
            _keys(header, secret), _bodies(body), _ALGORITHMS
        ):
            for message in _messages(header, given, content.value):
                made = hmac.digest(key.value, message.value, algorithm)
                for signature in signatures:
                    if hmac.compare_digest(made, signature.value):
                        hashed = "" if algorithm == "sha256" else f"it is made with {algorithm}"
                        wrong = (
                            key.wrong, content.wrong, message.wrong, signature.wrong, hashed,
                        )  # fmt: skip
                        return _found(header, number, [text for text in wrong if text])
    return _byte_found(header, secrets, given, body, signatures)


def _found(header: str, number: int, wrong: Sequence[str]) -> Finding:
    if not wrong:
        return Finding(header, is_valid=True, text=f"made with secret {number}")
    return Finding(header, is_valid=False, text=f"secret {number} fits, but {'; '.join(wrong)}")


def _byte_found(
    header: str,
    secrets: Sequence[str],
    given: Mapping[str, str],
    body: bytes,
    signatures: Sequence[_Choice],
) -> Finding:
    """The one byte that is wrong, if there is one; else what is left: the secret is another."""
    wanted = {signature.value for signature in signatures}
    if len(body) <= BYTE_SEARCH_LIMIT_BYTES:
        for number, secret in enumerate(secrets, start=1):
            key = _keys(header, secret)[0].value
            before = _messages(header, given, b"")[0].value
            for text, other in _one_byte_away(body):
                if hmac.digest(key, before + other, "sha256") in wanted:
                    return Finding(header, is_valid=False, text=f"secret {number} fits, but {text}")
    count = f"{len(secrets)} secrets" if len(secrets) != 1 else "secret"
    return Finding(
        header,
        is_valid=False,
        text=f"none of it fits the {count}: it was made with another one, or over another body",
    )


def _one_byte_away(body: bytes) -> Iterator[tuple[str, bytes]]:
    every = [bytes((value,)) for value in range(256)]
    for at in range(len(body) + 1):
        head, rest = body[:at], body[at:]
        if rest:
            yield f"byte {at} ({_shown(rest[:1])}) is not in what was signed", head + rest[1:]
        for byte in every:
            yield f"{_shown(byte)} is missing before byte {at}", head + byte + rest
            if rest:
                text = f"byte {at} is {_shown(rest[:1])} where {_shown(byte)} was signed"
                yield text, head + byte + rest[1:]


def _shown(byte: bytes) -> str:
    code = f"0x{byte[0]:02x}"
    return f"{code} {chr(byte[0])!r}" if 0x20 < byte[0] < 0x7F else code


def _keys(header: str, secret: str) -> list[_Choice]:
    """A secret as a key: the right form for the header first."""
    text = _Choice("", secret.encode())
    encoded = secret.removeprefix("whsec_")
    try:
        decoded = _Choice("", base64.b64decode(encoded, validate=True))
    except ValueError:
        return [text]
    if header in _NOTCH:
        return [text, decoded._replace(wrong="the key is the secret decoded from base64")]
    as_text = "the key is the secret's text, not what its base64 after whsec_ decodes to"
    without = _Choice("the key is the secret's text without whsec_, undecoded", encoded.encode())
    return [decoded, text._replace(wrong=as_text), without]


def _bodies(body: bytes) -> list[_Choice]:
    """The body as it is, then as programs change it on the way."""
    choices = [_Choice("", body)]

    def add(what: str, other: bytes) -> None:
        if all(other != choice.value for choice in choices):
            at = next(
                (at for at, (a, b) in enumerate(zip(body, other, strict=False)) if a != b),
                min(len(body), len(other)),
            )
            choices.append(_Choice(f"{what} (from byte {at})", other))

    add("the body has white space around it that was not signed", body.strip())
    add("the line feed at the end of what was signed is missing", body + b"\n")
    add("its line ends were changed to CR LF", body.replace(b"\r\n", b"\n"))
    add("its line ends were changed from CR LF", body.replace(b"\n", b"\r\n"))
    add("the body has a byte order mark", body.removeprefix(b"\xef\xbb\xbf"))
    try:
        value = json.loads(body)
    except ValueError:
        return choices
    for what, options in (
        ("the JSON was written anew, what was signed is compact", _COMPACT),
        ("the JSON was written anew, what was signed escapes non-ASCII", {"ensure_ascii": True}),
        ("the JSON was written anew, what was signed has blanks", {"ensure_ascii": False}),
        ("the keys were sorted", {**_COMPACT, "sort_keys": True}),
    ):
        add(what, json.dumps(value, **options).encode("utf-8", "surrogatepass"))
    return choices


_COMPACT = {"ensure_ascii": False, "separators": (",", ":")}


def _messages(header: str, given: Mapping[str, str], body: bytes) -> list[_Choice]:
    """What is hashed: the right message for the header first."""
    bare = _Choice("only the body is signed, without what belongs before it", body)
    if header in _NOTCH:
        return [bare._replace(wrong="")]
    if header == _NEOPAY:
        moment = re.match(r"t=([0-9]+)", given[header])
        stamp = f"{moment.group(1)}." if moment else ""
        return [_Choice("", stamp.encode() + body), bare]
    moment_text = given.get("webhook-timestamp", "")
    whole = f"{given.get('webhook-id', '')}.{moment_text}."
    stamp_only = _Choice("the id is missing in what is signed", f"{moment_text}.".encode() + body)
    return [_Choice("", whole.encode() + body), stamp_only, bare]


def _signatures(header: str, value: str) -> Iterable[_Choice]:
    """The signatures in a header, as bytes, whatever they are written in."""
    in_base64 = header == _STANDARD
    parts = value.split() if in_base64 else [value.rpartition("v1=")[2]]
    for part in parts:
        text = part.removeprefix("v1,").removeprefix("sha256=")
        if _HEX.match(text) and len(text) % 2 == 0:
            wrong = "it is written in hexadecimal, not in base64" if in_base64 else ""
            wrong = wrong or ("" if text == text.lower() else "its digits are in upper case")
            yield _Choice(wrong, bytes.fromhex(text))
        try:
            decoded = base64.b64decode(text, validate=True)
        except ValueError:
            continue
        wrong = "" if in_base64 else "it is written in base64, not in hexadecimal"
        wrong = wrong or ("" if part.startswith("v1,") else "its version v1, is missing")
        yield _Choice(wrong, decoded)


def _lateness(given: Mapping[str, str], now_seconds: float) -> str:
    text = given.get("webhook-timestamp", "")
    if not text.isascii() or not text.isdigit():
        return "webhook-timestamp is no number of seconds" if "webhook-timestamp" in given else ""
    off = now_seconds - int(text)
    if abs(off) <= TOLERANCE_SECONDS:
        return ""
    word = "old" if off > 0 else "ahead of this clock"
    return f"it is {abs(off):.0f} seconds {word}; receivers allow {TOLERANCE_SECONDS}"


assert set(_ALGORITHMS) <= hashlib.algorithms_guaranteed
