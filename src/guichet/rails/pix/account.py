"""An account at a PSP: what its settings must be to speak API Pix with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from guichet.outbound.policy import ANYWHERE, RefusedAddress, check_url
from guichet.rails.accounts import InvalidAccount
from guichet.rails.pix.brcode import CITY_CHARACTERS_MAX, plain_text

#: What the connector does with its access token.
SCOPES = "cob.read cob.write pix.read pix.write webhook.read webhook.write"

_VISIBLE = re.compile(r"[\x20-\x7e]{1,512}")
_SCOPE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_SUBJECT = re.compile(r"[^=\x00-\x1f\x7f]+=[^\x00-\x1f\x7f]{1,1024}")
#: CPF, CNPJ, telephone, e-mail, random key: as the DICT writes them.
_PIX_KEY = re.compile(
    r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}|\+[1-9][0-9]{4,14}|[^\s@]+@[^\s@]+"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_PIX_KEY_CHARACTERS_MAX = 77


@dataclass(frozen=True, slots=True, kw_only=True)
class PixAccount:
    """One account at a PSP.

    ``base_url`` is where API Pix begins (``https://pix.bank.example/api/v2``), ``token_url`` where
    tokens are given to ``client_id`` with ``client_secret``; ``scope`` is asked for there, empty
    asks for none. ``pix_key`` is the payee's key in the DICT. ``city`` and ``merchant_name`` go
    into BR Codes that the PSP leaves to us; an empty name is the payee's. ``certificate`` and
    ``private_key`` (PEM) are the client's side of mutual TLS, ``ca`` (PEM) the only authorities
    believed, empty for the system's. ``webhook_subject`` is the subject (RFC 4514) of the
    certificate with which the PSP delivers notices; empty: none is believed.
    """

    base_url: str
    token_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    pix_key: str = field(repr=False)
    city: str
    merchant_name: str = ""
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)
    webhook_subject: str = ""
    scope: str = SCOPES

    @property
    def certificate_expires_at(self) -> datetime | None:
        """When the PSP stops taking our certificate; None: there is none."""
        if not self.certificate:
            return None
        return x509.load_pem_x509_certificate(self.certificate.encode()).not_valid_after_utc


#: The names of the settings, in the order in which one would be asked for them.
FIELDS = tuple(each.name for each in fields(PixAccount))


def parse_account(settings: Mapping[str, str], environment: str = "live") -> PixAccount:
    """The account that the settings describe; raises ``InvalidAccount`` naming every wrong field.

    In sandbox, where many PSPs ask for no certificate, it may be left out and addresses may be
    http.
    """
    live = environment == "live"
    given = {name: text.strip() for name, text in settings.items()}
    problems = {name: "is not a setting" for name in given if name not in FIELDS}
    for name in ("base_url", "token_url"):
        problems |= _problem(name, _wrong_address(given.get(name, ""), live=live))
    for name in ("client_id", "client_secret"):
        problems |= _problem(name, _wrong_text(given.get(name, ""), _VISIBLE))
    key = given.get("pix_key", "")
    if not _PIX_KEY.fullmatch(key) or len(key) > _PIX_KEY_CHARACTERS_MAX:
        problems["pix_key"] = (
            "must be a CPF or CNPJ without punctuation, a telephone number with + and country, "
            "an e-mail address or a random key"
        )
    if not _has_letters(given.get("city", "")):
        problems["city"] = "must have letters of the Latin alphabet"
    if given.get("merchant_name") and not _has_letters(given["merchant_name"]):
        problems["merchant_name"] = "must have letters of the Latin alphabet, or be left out"
    if given.get("webhook_subject"):
        problems |= _problem("webhook_subject", _wrong_text(given["webhook_subject"], _SUBJECT))
    if given.get("scope"):
        problems |= _problem("scope", _wrong_text(given["scope"], _SCOPE))
    problems |= _wrong_identity(given, live=live)
    if problems:
        raise InvalidAccount(problems)
    return PixAccount(**given)


def _problem(name: str, problem: str | None) -> dict[str, str]:
    return {name: problem} if problem else {}


def _wrong_address(url: str, *, live: bool) -> str | None:
    if not url:
        return "is required"
    try:
        check_url(url, ANYWHERE)
    except RefusedAddress as error:
        return str(error)
    if live and not url.lower().startswith("https:"):
        return "must be an https address"
    return "must have no query and no fragment" if "?" in url or "#" in url else None


def _has_letters(text: str) -> bool:
    return any(each.isalpha() for each in plain_text(text, CITY_CHARACTERS_MAX))


def _wrong_text(text: str, shape: re.Pattern[str]) -> str | None:
    if not text:
        return "is required"
    return None if shape.fullmatch(text) else "has characters that it cannot have"


def _wrong_identity(given: Mapping[str, str], *, live: bool) -> dict[str, str]:
    """What is wrong with the certificate, its key and the authorities."""
    problems: dict[str, str] = {}
    certificate, key = given.get("certificate", ""), given.get("private_key", "")
    if given.get("ca") and _certificate(given["ca"]) is None:
        problems["ca"] = "is not a certificate in PEM"
    if not certificate and not key and not live:
        return problems
    shown = _certificate(certificate)
    if shown is None:
        problems["certificate"] = "is not a certificate in PEM" if certificate else "is required"
    proof = _public_part(key)
    if proof is None:
        wrong = "is not an unencrypted private key in PEM" if key else "is required"
        problems["private_key"] = wrong
    if shown is not None and proof is not None and _public_bytes(shown) != proof:
        problems["private_key"] = "is not the key of the certificate"
    return problems


def _certificate(pem: str) -> x509.Certificate | None:
    """The first of the certificates, if every one of them can be read."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0]
    except ValueError:
        return None


def _public_part(pem: str) -> bytes | None:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
