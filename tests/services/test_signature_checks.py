"""What is wrong with a signature, as a developer is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from guichet.services.signature_checks import Finding, examine

HASH_KEY = "hsk_test.abcdefgh"
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
BODY = '{"id":"evt.test_1","name":"Été","n":[1,2]}'.encode()
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def signed(key: bytes, body: bytes = BODY, algorithm: str = "sha256") -> str:
    return hmac.digest(key, body, algorithm).hex()


def notch(signature: str) -> Mapping[str, str]:
    return {"X-Notch-Signature": signature}


def standard(**changes: str) -> dict[str, str]:
    signature = Webhook(SECRET).sign("msg_1", NOW, BODY.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature,
    }
    return {**headers, **{name.replace("_", "-"): value for name, value in changes.items()}}


def only(
    secret: str, headers: Mapping[str, str], body: bytes = BODY, *more_secrets: str
) -> Finding:
    (finding,) = examine([secret, *more_secrets], headers, body, NOW.timestamp())
    return finding


def test_a_right_signature_names_its_secret() -> None:
    headers = notch(signed(HASH_KEY.encode()))

    assert only("hsk_test.other", headers, BODY, HASH_KEY) == Finding(
        "x-notch-signature", is_valid=True, text="made with secret 2"
    )


def test_a_signature_of_standard_webhooks_is_right_too() -> None:
    assert only(SECRET, standard()).is_valid


def test_each_signature_is_judged_by_itself() -> None:
    headers = {**notch(signed(HASH_KEY.encode())), **standard()}

    found = examine([HASH_KEY], headers, BODY, NOW.timestamp())

    assert [(each.header, each.is_valid) for each in found] == [
        ("x-notch-signature", True),
        ("webhook-signature", False),
    ]


def test_another_secret_is_said_to_be_another() -> None:
    found = only("hsk_test.other", notch(signed(HASH_KEY.encode())))

    assert not found.is_valid
    assert "another one" in found.text


@pytest.mark.parametrize("algorithm", ["sha512", "sha1", "md5"])
def test_another_algorithm_is_named(algorithm: str) -> None:
    found = only(HASH_KEY, notch(signed(HASH_KEY.encode(), algorithm=algorithm)))

    assert found.text == f"secret 1 fits, but it is made with {algorithm}"


def test_base64_for_hexadecimal_is_named() -> None:
    made = hmac.digest(HASH_KEY.encode(), BODY, hashlib.sha256)

    assert (
        "base64, not in hexadecimal" in only(HASH_KEY, notch(base64.b64encode(made).decode())).text
    )


def test_an_undecoded_secret_is_named() -> None:
    content = b"msg_1.%d." % NOW.timestamp() + BODY
    made = base64.b64encode(hmac.digest(SECRET.encode(), content, hashlib.sha256)).decode()

    found = only(SECRET, standard(webhook_signature=f"v1,{made}"))

    assert "the key is the secret's text" in found.text


def test_a_message_without_its_id_is_named() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = base64.b64encode(hmac.digest(key, BODY, hashlib.sha256)).decode()

    found = only(SECRET, standard(webhook_signature=f"v1,{made}"))

    assert "only the body is signed" in found.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BODY + b"\n", f"white space around it that was not signed (from byte {len(BODY)})"),
        (json.dumps(json.loads(BODY)).encode(), "what was signed is compact (from byte 6)"),
        (b"\xef\xbb\xbf" + BODY, "byte order mark"),
    ],
)
def test_a_body_that_was_changed_on_the_way_is_named(body: bytes, words: str) -> None:
    assert words in only(HASH_KEY, notch(signed(HASH_KEY.encode())), body).text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BODY.replace(b"[1,", b"[7,"), "is 0x37 '7' where 0x31 '1' was signed"),
        (BODY.replace(b"[1,", b"[,"), "is missing before byte"),
        (BODY.replace(b"[1,", b"[12,"), "is not in what was signed"),
    ],
)
def test_one_wrong_byte_is_found(body: bytes, words: str) -> None:
    found = only(HASH_KEY, notch(signed(HASH_KEY.encode())), body)

    assert not found.is_valid
    assert words in found.text


def test_what_is_too_old_for_receivers_is_said() -> None:
    found = examine([SECRET], standard(), BODY, NOW.timestamp() + 301)

    assert [each.is_valid for each in found] == [True, False]
    assert found[1].text == "it is 301 seconds old; receivers allow 300"


def test_headers_without_a_signature_are_said_to_be() -> None:
    assert only(HASH_KEY, {"content-type": "x"}).text == "no signature is among the headers"


@pytest.mark.parametrize("value", ["", "?", "sha256=", "v1,", "é"])
def test_what_is_no_signature_is_said_to_be_none(value: str) -> None:
    assert not only(HASH_KEY, notch(value)).is_valid
