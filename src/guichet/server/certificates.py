"""What an operator should know of certificates and their keys before it is too late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from guichet.bootstrap import PIX
from guichet.rails.accounts import InvalidAccount
from guichet.rails.pix.account import parse_account
from guichet.settings import Settings
from guichet.store.administration import accounts_in_use
from guichet.store.database import Connection
from guichet.vault import SealBroken, Vault

#: A certificate that ends sooner than this is a problem: banks take weeks to give out new ones.
CERTIFICATE_MARGIN = timedelta(days=30)

_OTHERS = 0o077


def file_problems(settings: Settings, now: datetime) -> list[str]:
    """What is wrong with the certificate and key files that the settings name."""
    found: list[str] = []
    for name, certificate, key in (
        ("NOTICES_TLS", settings.notices_tls_certificate, settings.notices_tls_key),
        ("PIX_SANDBOX", settings.pix_sandbox_certificate, settings.pix_sandbox_private_key),
    ):
        if certificate or key:
            problems = _pair_problems(Path(certificate), Path(key), now)
            found += [f"GUICHET_{name}_…: {problem}" for problem in problems]
    for authorities in (settings.notices_tls_ca, settings.pix_sandbox_ca):
        if authorities:
            found += _certificate_problems(Path(authorities), now)
    if settings.notices_tls_port and not settings.notices_tls_certificate:
        found.append("GUICHET_NOTICES_TLS_PORT needs _CERTIFICATE, _KEY and _CA beside it")
    return found


async def account_problems(connection: Connection, vault: Vault, now: datetime) -> list[str]:
    """What is wrong with the accounts at PSPs that are in use."""
    found = []
    for row in await accounts_in_use(connection, PIX):
        who = f"PIX account of {row.application_name} ({row.application_id})"
        try:
            account = parse_account(json.loads(vault.open(row.settings)), row.environment)
        except SealBroken:
            found.append(f"{who}: none of GUICHET_SECRET_KEYS opens it")
        except InvalidAccount as error:
            found.append(f"{who}: {error}")
        else:
            expires_at = account.certificate_expires_at
            if expires_at is not None and expires_at < now + CERTIFICATE_MARGIN:
                found.append(f"{who}: its certificate {_ends(expires_at, now)}")
    return found


def _pair_problems(certificate: Path, key: Path, now: datetime) -> Iterator[str]:
    yield from _certificate_problems(certificate, now)
    try:
        private = load_pem_private_key(key.read_bytes(), password=None)
        if key.stat().st_mode & _OTHERS:
            yield f"{key} can be read by others: chmod 600"
        shown = x509.load_pem_x509_certificate(certificate.read_bytes())
        if shown.public_key() != private.public_key():
            yield f"{key} is not the key of {certificate}"
    except OSError as error:
        yield f"{key} cannot be read: {error.strerror}"
    except (ValueError, TypeError):
        yield f"{key} is not an unencrypted private key in PEM"


def _certificate_problems(file: Path, now: datetime) -> Iterator[str]:
    try:
        for certificate in x509.load_pem_x509_certificates(file.read_bytes()):
            if certificate.not_valid_after_utc < now + CERTIFICATE_MARGIN:
                yield f"{file} {_ends(certificate.not_valid_after_utc, now)}"
    except OSError as error:
        yield f"{file} cannot be read: {error.strerror}"
    except ValueError:
        yield f"{file} is not a certificate in PEM"


def _ends(expires_at: datetime, now: datetime) -> str:
    word = "expired" if expires_at <= now else "expires"
    return f"{word} on {expires_at:%Y-%m-%d}"
