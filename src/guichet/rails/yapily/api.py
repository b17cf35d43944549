"""Yapily's operations that we use, one method each, with three kinds of failure.

``RailUnavailable``: certainly not carried out, ask again later. ``Denied``: a definite no.
``Uncertain``: it may have been carried out. Neither credentials nor tokens nor bodies appear in an
exception's text.
"""

from __future__ import annotations

import base64
import re
from typing import TypeVar
from urllib.parse import quote

import msgspec

from guichet.outbound.client import ANSWER_BYTES_MAX, Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.rails.port import RailUnavailable
from guichet.rails.yapily import wire

T = TypeVar("T")

#: Real lists of institutions weigh some 5 MB.
_INSTITUTIONS_BYTES_MAX = 16 * 1024 * 1024
_JSON = "application/json;charset=UTF-8"
_WORD = re.compile(r"[A-Z_]{1,40}")
#: Banks' and Yapily's words about an order that was seen before, and about its consent.
_SEEN_BEFORE = re.compile(r"consumed|duplicate|already|idempoten", re.IGNORECASE)
_CONSENT = re.compile(r"consent", re.IGNORECASE)
_ENCODER = msgspec.json.Encoder()


class Uncertain(Exception):
    """The call may have been carried out: no answer, a server's error, or nothing readable."""


class Denied(Exception):
    """A definite no. ``status`` is HTTP's, ``code`` Yapily's word for it.

    ``by_bank``: the bank said so. ``text`` is what they said about it, for classification only.
    """

    def __init__(self, operation: str, status: int, problem: wire.Problem) -> None:
        word = problem.status or ""
        self.code = word if _WORD.fullmatch(word) else str(status)
        super().__init__(f"{operation}: {status} {self.code}")
        bank = problem.institution_error
        self.status = status
        self.by_bank = bank is not None or problem.source == "INSTITUTION"
        self.text = f"{problem.message} {bank.error_message if bank else ''}"

    @property
    def is_repetition(self) -> bool:
        """Whether it was refused because an earlier one was seen: then that one may have worked."""
        return self.status == 409 or bool(_SEEN_BEFORE.search(self.text))

    @property
    def is_about_consent(self) -> bool:
        """Whether the consent is unknown, used or dead; an earlier order may have used it."""
        return self.status in (403, 404, 410) or bool(_CONSENT.search(self.text))


class YapilyApi:
    """Speaks to one Yapily application. Its answers are decoded, never trusted."""

    def __init__(
        self,
        client: GuardedClient,
        base_url: str,
        application_id: str,
        secret: str,
        timeout_seconds: float,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        pair = base64.b64encode(f"{application_id}:{secret}".encode()).decode()
        self._authorization = f"Basic {pair}"
        self._timeout_seconds = timeout_seconds

    async def institutions(self) -> list[wire.Institution]:
        """GET /institutions."""
        answer = await self._call(
            "GET", "/institutions", wire.InstitutionsAnswer, limit_bytes=_INSTITUTIONS_BYTES_MAX
        )
        return answer.data

    async def authorise(
        self, request: wire.AuthorisationRequest, payer_address: str | None
    ) -> wire.Consent:
        """POST /payment-auth-requests."""
        headers = {"psu-ip-address": payer_address} if payer_address else {}
        answer = await self._call(
            "POST", "/payment-auth-requests", wire.ConsentAnswer, body=request, headers=headers
        )
        return answer.data

    async def exchange(self, one_time_token: str) -> wire.Consent:
        """POST /consent-one-time-token."""
        body = wire.OneTimeToken(one_time_token=one_time_token)
        return await self._call("POST", "/consent-one-time-token", wire.Consent, body=body)

    async def consent(self, consent_id: str) -> wire.Consent:
        """GET /consents/{consentId}."""
        path = f"/consents/{quote(consent_id, safe='')}"
        return (await self._call("GET", path, wire.ConsentAnswer)).data

    async def consents_of(self, user: str) -> list[wire.Consent]:
        """GET /consents, those of one of our users."""
        path = f"/consents?filter%5BapplicationUserId%5D={quote(user, safe='')}"
        return (await self._call("GET", path, wire.ConsentsAnswer)).data

    async def delete_consent(self, consent_id: str) -> bool:
        """DELETE /consents/{consentId}; whether it is deleted."""
        path = f"/consents/{quote(consent_id, safe='')}"
        answer = await self._call("DELETE", path, wire.ConsentDeletionAnswer)
        return answer.data.delete_status == "SUCCESS"

    async def pay(
        self, request: wire.PaymentRequest, consent_token: str, payer_address: str | None
    ) -> wire.Payment:
        """POST /payments: moves money, once however often it is repeated with the same request."""
        headers = {"consent": consent_token}
        if payer_address:
            headers["psu-ip-address"] = payer_address
        answer = await self._call(
            "POST", "/payments", wire.PaymentAnswer, body=request, headers=headers
        )
        return answer.data

    async def details(self, payment_id: str, consent_token: str) -> list[wire.Payment]:
        """GET /payments/{paymentId}/details."""
        path = f"/payments/{quote(payment_id, safe='')}/details"
        headers = {"consent": consent_token}
        return (await self._call("GET", path, wire.PaymentsAnswer, headers=headers)).data.payments

    async def _call(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        body: wire.Wire | None = None,
        headers: dict[str, str] | None = None,
        limit_bytes: int = ANSWER_BYTES_MAX,
    ) -> T:
        operation = f"{method} {path.split('?', maxsplit=1)[0].split('/')[1]}"
        sent = {"authorization": self._authorization, "accept": "application/json"}
        if body is not None:
            sent["content-type"] = _JSON
        try:
            answer = await self._client.send(
                method,
                self._base_url + path,
                policy=ANYWHERE,
                about="yapily",
                timeout_seconds=self._timeout_seconds,
                headers=sent | (headers or {}),
                body=b"" if body is None else _ENCODER.encode(body),
                limit_bytes=limit_bytes,
            )
        except (NotSent, RefusedAddress) as error:
            raise RailUnavailable(f"{operation}: {error}") from error
        except NoAnswer as error:
            raise Uncertain(f"{operation}: {error}") from error
        return _understood(operation, answer, kind)


def _understood(operation: str, answer: Answer, kind: type[T]) -> T:
    if answer.status in (200, 201):
        return _decoded(operation, answer, kind)
    if answer.status in (401, 429):
        raise RailUnavailable(f"{operation}: {answer.status}")
    if not _is_definite(answer.status):
        raise Uncertain(f"{operation}: {answer.status}")
    problem = _decoded(operation, answer, wire.ProblemAnswer).error
    bank = problem.institution_error
    # A no of Yapily's may hide that the bank broke down over the order, after it took it or not.
    if bank is not None and not _is_definite(bank.http_status_code or 0):
        raise Uncertain(f"{operation}: {answer.status}, the bank {bank.http_status_code}")
    raise Denied(operation, answer.status, problem)


def _is_definite(status: int) -> bool:
    return 400 <= status < 500 and status != 408


def _decoded(operation: str, answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The error's own text may quote the body.
        raise Uncertain(
            f"{operation}: {answer.status}, unreadable ({type(error).__name__})"
        ) from None
