"""Settings of an account: every wrong field is named, and no value is shown."""

from __future__ import annotations

from typing import Any

import pytest

from guichet.rails.accounts import InvalidAccount
from guichet.rails.pix.account import FIELDS, SCOPES, PixAccount, parse_account
from outbound.authority import Authority

AUTHORITY = Authority()
ISSUED, OTHER = AUTHORITY.issue("shop"), AUTHORITY.issue("other")
GOOD = {
    "base_url": "https://pix.bank.example/api/v2",
    "token_url": "https://pix.bank.example/oauth/token",
    "client_id": "Client_Id_1",
    "client_secret": "canary+/=secret",
    "pix_key": "7d9f0335-8dcc-4054-9bf9-0dbd61d36906",
    "city": "São Paulo",
    "certificate": ISSUED.certificate,
    "private_key": ISSUED.private_key,
}


def problems(environment: str = "live", **changes: Any) -> dict[str, str]:
    settings = {name: text for name, text in (GOOD | changes).items() if text is not None}
    with pytest.raises(InvalidAccount) as failure:
        parse_account(settings, environment)
    assert "canary" not in str(failure.value)
    assert "BEGIN" not in str(failure.value)
    return failure.value.problems


def test_what_is_needed_is_enough() -> None:
    account = parse_account(GOOD)
    assert (account.merchant_name, account.ca, account.webhook_subject) == ("", "", "")
    assert account.scope == SCOPES


def test_everything_can_be_said() -> None:
    more = {
        "merchant_name": "Loja Guichê",
        "ca": AUTHORITY.certificate,
        "webhook_subject": "CN=Banco,O=Banco S.A.,C=BR",
        "scope": "",
    }
    account = parse_account(GOOD | more)
    assert account.webhook_subject == "CN=Banco,O=Banco S.A.,C=BR"
    assert account.scope == ""
    assert set(GOOD | more) == set(FIELDS)


def test_blanks_around_what_was_pasted_are_dropped() -> None:
    spaced = {name: f"\n {text}\t\n" for name, text in GOOD.items()}
    account = parse_account(spaced)
    assert account == parse_account({name: text.strip() for name, text in GOOD.items()})
    assert account.certificate_expires_at


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidAccount) as failure:
        parse_account({"bank": "x", "merchant_name": "中文"})
    assert set(failure.value.problems) == {
        "bank",
        "base_url",
        "token_url",
        "client_id",
        "client_secret",
        "pix_key",
        "city",
        "merchant_name",
        "certificate",
        "private_key",
    }
    for name in failure.value.problems:
        assert f"{name}: " in str(failure.value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("base_url", "pix.bank.example"),
        ("base_url", "http://pix.bank.example"),
        ("base_url", "https://pix.bank.example/?a=b"),
        ("base_url", "https://user:secret@pix.bank.example/"),
        ("base_url", "https://pix.bank.example/a b"),
        ("token_url", "ftp://pix.bank.example/"),
        ("token_url", "https://169.254.169.254/token"),
        ("client_id", "né"),
        ("client_secret", "a\x00b"),
        ("client_secret", "x" * 513),
        ("pix_key", "063.727.713-90"),
        ("pix_key", "11 94321-4321"),
        ("pix_key", "7D9F0335-8DCC-4054-9BF9-0DBD61D36906"),
        ("pix_key", "x" * 80 + "@example.com"),
        ("city", ""),
        ("city", "???"),
        ("city", "中文"),
        ("webhook_subject", "Banco"),
        ("webhook_subject", "CN=Banco\nO=x"),
        ("scope", "cob.read  cob.write"),
        ("certificate", "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----"),
        ("private_key", "canary"),
        ("private_key", OTHER.private_key),
        ("ca", "canary"),
    ],
)
def test_what_is_wrong_with_a_field(name: str, wrong: str) -> None:
    assert set(problems(**{name: wrong})) == {name}


@pytest.mark.parametrize(
    "key",
    [
        "06372771390",
        "11222333000181",
        "12ABC34501DE35",
        "+5511943214321",
        "pix@loja.example",
        "7d9f0335-8dcc-4054-9bf9-0dbd61d36906",
    ],
)
def test_every_kind_of_key_is_taken(key: str) -> None:
    assert parse_account(GOOD | {"pix_key": key}).pix_key == key


def test_a_certificate_without_its_key_is_of_no_use() -> None:
    assert set(problems(private_key="")) == {"private_key"}
    assert set(problems(certificate=None)) == {"certificate"}
    assert set(problems("sandbox", certificate="")) == {"certificate"}


def test_a_sandbox_may_do_without_certificates_and_tls() -> None:
    plain = {name: text for name, text in GOOD.items() if "http" not in text}
    plain = {name: text for name, text in plain.items() if "BEGIN" not in text}
    urls = {"base_url": "http://127.0.0.1:8000/v2", "token_url": "http://127.0.0.1:8000/token"}
    account = parse_account(plain | urls, "sandbox")
    assert account.certificate_expires_at is None
    with pytest.raises(InvalidAccount):
        parse_account(plain | urls, "live")


def test_an_account_shows_no_secret() -> None:
    shown = repr(parse_account(GOOD))
    assert "canary" not in shown
    assert "BEGIN" not in shown
    assert isinstance(parse_account(GOOD), PixAccount)
