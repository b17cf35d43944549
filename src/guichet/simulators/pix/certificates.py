"""Certificates for the simulator's mutual TLS, made here and good for nothing else.

A small authority signs three: the API's server, the gateway as its client, and the PSP itself as
the client that sends webhooks. The authority may only name this machine, so that nobody who
trusts it by mistake can be fooled about another host.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAYS = 365
_RENEWED_DAYS = 30
_HOST = "localhost"
_ADDRESSES = ("127.0.0.1", "::1")
#: The host that client certificates carry: it exists nowhere (RFC 6761).
_CLIENTS = "clients.pix.invalid"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are. ``gateway`` calls the API, ``psp`` calls webhooks."""

    authority: Path
    server: Pair
    gateway: Pair
    psp: Pair

    def psp_context(self, trusted: Path | None = None) -> ssl.SSLContext:
        """TLS for webhooks with the PSP's own certificate.

        ``trusted`` is a file of authorities that the receivers' servers may have; without it the
        machine's own and this simulator's are trusted.
        """
        context = ssl.create_default_context(cafile=trusted)
        if trusted is None:
            context.load_verify_locations(self.authority)
        context.load_cert_chain(self.psp.certificate, self.psp.key)
        return context


def make_certificates(folder: Path) -> Certificates:
    """The certificates in ``folder``; what is missing, spoilt or runs out soon is made anew.

    The folder is readable by its owner only, and so is each file. A new authority makes all
    others new as well.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    found = Certificates(
        folder / "authority.pem",
        _pair(folder, "server"),
        _pair(folder, "gateway"),
        _pair(folder, "psp"),
    )
    authority_key = folder / "authority.key"
    issuer = _good(Pair(found.authority, authority_key), None)
    if issuer is None:
        issuer = _make_authority()
        _write(Pair(found.authority, authority_key), issuer)
    host: list[x509.GeneralName] = [
        x509.DNSName(_HOST),
        *(x509.IPAddress(ipaddress.ip_address(a)) for a in _ADDRESSES),
    ]
    client: list[x509.GeneralName] = [x509.DNSName(_CLIENTS)]
    for pair, name, names, usage in (
        (found.server, "Guichet Pix simulator", host, ExtendedKeyUsageOID.SERVER_AUTH),
        (found.gateway, "guichet-simulator", client, ExtendedKeyUsageOID.CLIENT_AUTH),
        (found.psp, "Banco Guara webhooks", client, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        if _good(pair, issuer) is None:
            _write(pair, _make(issuer, name, names, usage))
    return found


@dataclass(frozen=True, slots=True)
class _Identity:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _pair(folder: Path, name: str) -> Pair:
    return Pair(folder / f"{name}.pem", folder / f"{name}.key")


def _good(pair: Pair, issuer: _Identity | None) -> _Identity | None:
    """What the files hold, None if that cannot be used for another month."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    try:
        certificate.verify_directly_issued_by(issuer.certificate if issuer else certificate)
    except Exception:  # noqa: BLE001 — whatever is wrong with it, a new one is made
        return None
    soon = datetime.now(UTC) + timedelta(days=_RENEWED_DAYS)
    if certificate.not_valid_after_utc < soon or key.public_key() != certificate.public_key():
        return None
    return _Identity(certificate, key)


def _make_authority() -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Guichet Pix simulator authority")
    loopback = [
        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
        x509.IPAddress(ipaddress.ip_network("::1/128")),
    ]
    permitted = [x509.DNSName(_HOST), x509.DNSName(_CLIENTS), *loopback]
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Identity(certificate, key)


def _make(
    issuer: _Identity, name: str, names: list[x509.GeneralName], usage: x509.ObjectIdentifier
) -> _Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    certificate = (
        _builder(_name(name), issuer.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(issuer_key, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return _Identity(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_DAYS))
    )


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Guichet simulation, not a bank"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(pair: Pair, identity: _Identity) -> None:
    key = identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _replace(pair.key, key)
    _replace(pair.certificate, identity.certificate.public_bytes(serialization.Encoding.PEM))


def _replace(path: Path, content: bytes) -> None:
    # Another process that starts at the same time never reads half a file.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
