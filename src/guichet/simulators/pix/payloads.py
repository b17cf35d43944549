"""What a location shows to a payer's bank: the charge as a signed JWS, open to everybody.

``GET /qr/{token}`` answers ``application/jose`` as the API Pix has it; the key that signs is made
at the first call and published as a JSON Web Key Set, to which the header's ``jku`` leads.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guichet.simulators.common.wire import encode, timestamp

from .book import Book
from .problems import Problem, problem_response
from .records import ACTIVE, Charge
from .wire import Writer


class Payloads:
    """The locations of one PSP."""

    def __init__(self, book: Book, writer: Writer, base_url: str) -> None:
        self._book = book
        self._writer = writer
        self._keys_url = f"{base_url}/qr/keys.json"

    def routes(self) -> list[Route]:
        return [Route("/qr/keys.json", self._keys), Route("/qr/{token}", self._show)]

    async def _show(self, request: Request) -> Response:
        charge = self._book.charge_at(request.path_params["token"])
        if charge is None:
            return _refused(404, "Não há cobrança nesta location.")
        if charge.status != ACTIVE or self._book.has_expired(charge):
            return _refused(410, "A cobrança desta location não pode mais ser paga.")
        token = self._sign(self._payload(charge))
        return Response(token, media_type="application/jose", headers={"cache-control": "no-store"})

    async def _keys(self, _request: Request) -> Response:
        return Response(encode({"keys": [self._public_key]}), media_type="application/json")

    def _payload(self, charge: Charge) -> dict[str, Any]:
        body = self._writer.made(charge, copy_and_paste=False)
        names = ("txid", "revisao", "devedor", "status", "valor", "chave")
        more = ("solicitacaoPagador", "infoAdicionais")
        calendar = {**body["calendario"], "apresentacao": timestamp(self._book.now())}
        return {"calendario": calendar} | {
            name: body[name] for name in (*names, *more) if name in body
        }

    # Signing ------------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def _public_key(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        point = {"x": _text(numbers.x.to_bytes(32)), "y": _text(numbers.y.to_bytes(32))}
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        kid = _text(hashlib.sha256(self._key.public_key().public_bytes(*form)).digest())
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid} | point

    def _sign(self, payload: dict[str, Any]) -> str:
        header = {
            "alg": "ES256",
            "typ": "JWS",
            "kid": self._public_key["kid"],
            "jku": self._keys_url,
        }
        signed = f"{_text(encode(header))}.{_text(encode(payload))}"
        der = self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        signature = b"".join(number.to_bytes(32) for number in decode_dss_signature(der))
        return f"{signed}.{_text(signature)}"


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _refused(status: int, message: str) -> Response:
    return problem_response(Problem(status, "CobPayloadNaoEncontrado", message))
