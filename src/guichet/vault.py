"""Sealing what is stored, and the tokens that stand in addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_TOKEN_BYTES = 18  # 144 bits: 24 characters
_Signer = hashlib.blake2b
_KEY_BYTES = 32
_NONCE_BYTES = 12
_FINGERPRINT_BYTES = 4


class SealBroken(Exception):
    """Sealed bytes cannot be opened with any of the keys."""


def generate_key() -> str:
    """A new key for ``GUICHET_SECRET_KEYS``."""
    return Fernet.generate_key().decode()


class Vault:
    """Seals with the first key, opens with any, so that keys can be rotated.

    Raises ``ValueError`` when a key is not 32 bytes in URL-safe base64.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a vault needs a key")
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._signers = [_signer(key) for key in keys]
        self._wrappers = [_Wrapper(key) for key in keys]

    def wrap(self, key: bytes, owner: bytes) -> bytes:
        """Seal a key for ``owner``, who must be named to open it: AES-GCM under the first key."""
        return self._wrappers[0].wrap(key, owner)

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        """The key that ``wrap`` sealed for the same owner; raises ``SealBroken``."""
        fingerprint = wrapped[:_FINGERPRINT_BYTES]
        for wrapper in self._wrappers:
            if wrapper.fingerprint == fingerprint:
                return wrapper.unwrap(wrapped, owner)
        raise SealBroken

    def is_current(self, wrapped: bytes) -> bool:
        """Whether a wrapped key is sealed with the first key: it outlives the removal of others."""
        return wrapped[:_FINGERPRINT_BYTES] == self._wrappers[0].fingerprint

    def reseal(self, sealed: bytes) -> bytes:
        """What was sealed with any of the keys, sealed with the first; raises ``SealBroken``."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise SealBroken from error

    def seal(self, content: bytes) -> bytes:
        """Encrypt and sign ``content``."""
        return self._fernet.encrypt(content)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed; raises ``SealBroken``."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise SealBroken from error

    def token(self, purpose: str, subject: bytes) -> str:
        """An unguessable token for ``subject`` and ``purpose``; nothing is stored."""
        return _sign(self._signers[0], purpose, subject)

    def check(self, purpose: str, subject: bytes, token: str) -> bool:
        """Whether ``token`` was made by ``token`` for the same purpose and subject."""
        given = token.encode("utf-8", "surrogatepass")
        return any(
            hmac.compare_digest(_sign(signer, purpose, subject).encode(), given)
            for signer in self._signers
        )


class _Wrapper:
    """Seals other keys with one derived from a key of the vault, known by its fingerprint."""

    def __init__(self, key: str) -> None:
        derived = hashlib.blake2b(
            base64.urlsafe_b64decode(key), digest_size=_KEY_BYTES, person=b"guichet people"
        ).digest()
        self._cipher = AESGCM(derived)
        self.fingerprint = hashlib.blake2b(
            derived, digest_size=_FINGERPRINT_BYTES, person=b"guichet name"
        ).digest()

    def wrap(self, key: bytes, owner: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return self.fingerprint + nonce + self._cipher.encrypt(nonce, key, owner)

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        begin = _FINGERPRINT_BYTES + _NONCE_BYTES
        try:
            return self._cipher.decrypt(wrapped[_FINGERPRINT_BYTES:begin], wrapped[begin:], owner)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error


def _signer(key: str) -> _Signer:
    """Keyed BLAKE2b, ready to be copied: a third of the time of HMAC."""
    derived = hashlib.blake2b(base64.urlsafe_b64decode(key), person=b"guichet tokens").digest()
    return hashlib.blake2b(key=derived, digest_size=_TOKEN_BYTES)


def _sign(signer: _Signer, purpose: str, subject: bytes) -> str:
    mac = signer.copy()
    mac.update(purpose.encode() + b"\0" + subject)
    return base64.urlsafe_b64encode(mac.digest()).decode()
