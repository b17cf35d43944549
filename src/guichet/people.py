"""Personal data: sealed with a key per person, found by keyed digests, erased with the key.

A person (a payer, a beneficiary) has a data key of their own, sealed by the vault. What is known
of them, and every copy of it, is sealed with that key: once it is destroyed the copies are noise,
in backups too as soon as the key is in none of them. The database finds people by digests alone,
which are made with one key of the installation's own that the vault seals as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import DecodeError, json

from guichet.vault import SealBroken, Vault

#: What is known of somebody, by the fields' names; what is not known is absent.
Facts: TypeAlias = "dict[str, str]"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_DIGEST_BYTES = 16
_TOKEN_BYTES = 8
_INDEX_OWNER = b"guichet index"
#: The first byte of what is stored: how the rest is sealed.
_PLAIN, _PERSONAL, _SHARED = b"\0", b"\1", b"\2"

_WORD = re.compile(r"\w+")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_PHONE = re.compile(r"[0-9+().\s/-]{6,}")


class Search(NamedTuple):
    """What a search looks for: people who have all the words, or any one of the wholes."""

    words: list[bytes]
    wholes: list[bytes]


class PersonKey:
    """A person's data key, opened; ``sealed`` is what the database keeps of it."""

    __slots__ = ("_cipher", "sealed")

    def __init__(self, key: bytes, sealed: bytes) -> None:
        self._cipher = AESGCM(key)
        self.sealed = sealed

    def seal(self, purpose: bytes, content: bytes) -> bytes:
        """``content`` sealed; only the same ``purpose`` opens it."""
        nonce = os.urandom(_NONCE_BYTES)
        return _PERSONAL + nonce + self._cipher.encrypt(nonce, content, purpose)

    def open(self, purpose: bytes, sealed: bytes) -> bytes:
        """What ``seal`` sealed; raises ``SealBroken``."""
        if sealed[:1] != _PERSONAL:
            raise SealBroken
        return _decrypted(self._cipher, purpose, sealed)


class People:
    """Makes and opens people's keys, and digests what they are found by."""

    def __init__(self, vault: Vault, index_key: bytes) -> None:
        """``index_key`` is sealed, from ``new_index_key``; raises ``SealBroken``."""
        self._vault = vault
        opened = vault.unwrap(index_key, _INDEX_OWNER)
        self._digester = hashlib.blake2b(key=opened, digest_size=_DIGEST_BYTES)
        self._tokener = hashlib.blake2b(key=opened, digest_size=_TOKEN_BYTES, person=b"words")
        self._shared = AESGCM(
            hashlib.blake2b(opened, digest_size=_KEY_BYTES, person=b"shared").digest()
        )

    @staticmethod
    def new_index_key(vault: Vault) -> bytes:
        """A key for an installation's digests, sealed."""
        return vault.wrap(os.urandom(_KEY_BYTES), _INDEX_OWNER)

    @staticmethod
    def reseal_index_key(vault: Vault, index_key: bytes) -> bytes:
        """The same key sealed with the vault's first key; raises ``SealBroken``."""
        return vault.wrap(vault.unwrap(index_key, _INDEX_OWNER), _INDEX_OWNER)

    def new_key(self, person_id: UUID) -> PersonKey:
        """A key for a new person."""
        key = os.urandom(_KEY_BYTES)
        return PersonKey(key, self._vault.wrap(key, person_id.bytes))

    def key(self, person_id: UUID, sealed: bytes) -> PersonKey:
        """The key of a person; raises ``SealBroken``."""
        return PersonKey(self._vault.unwrap(sealed, person_id.bytes), sealed)

    def seal_shared(self, purpose: bytes, content: bytes) -> bytes:
        """Seal what is about nobody in particular, or about many."""
        nonce = os.urandom(_NONCE_BYTES)
        return _SHARED + nonce + self._shared.encrypt(nonce, content, purpose)

    def open(
        self, person_id: UUID | None, data_key: bytes | None, purpose: bytes, sealed: bytes | None
    ) -> bytes | None:
        """What is stored sealed; None if nothing is, or nothing can be read since the erasure.

        Rows from before sealing are read as they are. Raises ``SealBroken``.
        """
        if sealed is None:
            return None
        mark = sealed[:1]
        if mark == _PLAIN:
            return sealed[1:]
        if mark == _SHARED:
            return _decrypted(self._shared, purpose, sealed)
        if data_key is None or person_id is None:
            return None
        return self.key(person_id, data_key).open(purpose, sealed)

    def digest(self, application_id: UUID, purpose: bytes, text: str) -> bytes:
        """By which an application's person of exactly this ``text`` is found: 16 bytes."""
        digest = self._digester.copy()
        digest.update(application_id.bytes + purpose + b"\0" + text.encode("utf-8", "replace"))
        return digest.digest()

    def search_keys(self, application_id: UUID, facts: Mapping[str, str]) -> bytes:
        """The digests that searches look through, one after the other: of the words of ``name``
        and ``description``, of ``email``, ``phone`` and ``tax_number`` as wholes, and of the name
        as it is written.
        """
        tokens: list[str] = []
        if name := facts.get("name"):
            tokens = [*words_of(name), "=" + name]
        if description := facts.get("description"):
            tokens += words_of(description)
        if email := facts.get("email"):
            tokens.append("@" + email.strip().casefold())
        for field in ("phone", "e164", "account_number"):
            if digits := _NOT_DIGITS.sub("", facts.get(field) or ""):
                tokens.append("#" + digits)
        if tax_number := facts.get("tax_number"):
            tokens.append("%" + _NOT_ALPHANUMERIC.sub("", tax_number).upper())
        return b"".join(self._tokens(application_id, dict.fromkeys(tokens)))

    def search(self, application_id: UUID, text: str, phone: str | None = None) -> Search:
        """What finds ``text`` in ``search_keys``; ``phone`` is its international form, if any."""
        wholes = []
        if "@" in text:
            wholes.append("@" + text.strip().casefold())
        if _PHONE.fullmatch(text.strip()):
            wholes.append("#" + _NOT_DIGITS.sub("", text))
        if phone:
            wholes.append("#" + _NOT_DIGITS.sub("", phone))
        if code := _NOT_ALPHANUMERIC.sub("", text).upper():
            wholes.append("%" + code)
        return Search(
            self._tokens(application_id, words_of(text)), self._tokens(application_id, wholes)
        )

    def name_token(self, application_id: UUID, name: str) -> bytes:
        """What finds a name that is written exactly so."""
        return self._tokens(application_id, ["=" + name])[0]

    def _tokens(self, application_id: UUID, texts: Iterable[str]) -> list[bytes]:
        of_application = self._tokener.copy()
        of_application.update(application_id.bytes)
        tokens = []
        for text in texts:
            token = of_application.copy()
            token.update(text.encode("utf-8", "replace"))
            tokens.append(token.digest())
        return tokens


def words_of(text: str) -> list[str]:
    """The words of a text in the form they are compared in: no case, no accents."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(part for part in parts if not unicodedata.combining(part))
    return _WORD.findall(text.casefold())


def written(facts: Mapping[str, str | None]) -> bytes:
    """Facts as bytes to be sealed; what is not known is left out."""
    return json.encode({name: value for name, value in facts.items() if value is not None})


def read(content: bytes | None) -> Facts:
    """The facts that ``written`` wrote; none if there is nothing. Raises ``SealBroken``."""
    if content is None:
        return {}
    try:
        return _FACTS.decode(content)
    except DecodeError as error:
        raise SealBroken from error


_FACTS = json.Decoder(dict[str, str])


def _decrypted(cipher: AESGCM, purpose: bytes, sealed: bytes) -> bytes:
    begin = 1 + _NONCE_BYTES
    try:
        return cipher.decrypt(sealed[1:begin], sealed[begin:], purpose)
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error
