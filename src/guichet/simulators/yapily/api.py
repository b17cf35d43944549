"""Yapily's API, the part that collects single domestic payments (specification 12.13.0)."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guichet.simulators.common.faults import Fault, Faults, faulty
from guichet.simulators.common.wire import Refusal as PlainRefusal
from guichet.simulators.common.wire import decode, encode, text_of

from .book import Book
from .institutions import BANKS
from .records import Consent
from .wire import (
    MEDIA_TYPE,
    Refusal,
    consent_json,
    difference,
    error_json,
    is_uuid,
    payment_json,
    payment_request_of,
)

OPERATIONS = (
    "list_institutions",
    "get_institution",
    "create_authorisation",
    "list_consents",
    "get_consent",
    "delete_consent",
    "exchange_token",
    "create_payment",
    "get_payment",
    "webhook",
)

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?:/[!-~]*|\?[!-~]*)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer, and what is to become of it on its way."""

    status: int
    body: dict[str, Any]
    fault: Fault | None = None


Handler = Callable[[Request, bytes], Answer]


class Api:
    """The operations of the API over one book."""

    def __init__(
        self, book: Book, faults: Faults, base_url: str, application_id: str, secret: str
    ) -> None:
        self._book = book
        self._faults = faults
        self._base_url = base_url
        credentials = base64.b64encode(f"{application_id}:{secret}".encode())
        self._authorization = b"Basic " + credentials

    def routes(self) -> list[Route]:
        def route(method: str, path: str, name: str, handler: Handler) -> Route:
            return Route(path, self._endpoint(name, handler), methods=[method])

        return [
            route("GET", "/institutions", "list_institutions", self._list_institutions),
            route("GET", "/institutions/{id}", "get_institution", self._get_institution),
            route("POST", "/payment-auth-requests", "create_authorisation", self._authorise),
            route("GET", "/consents", "list_consents", self._list_consents),
            route("GET", "/consents/{id}", "get_consent", self._get_consent),
            route("DELETE", "/consents/{id}", "delete_consent", self._delete_consent),
            route("POST", "/consent-one-time-token", "exchange_token", self._exchange_token),
            route("POST", "/payments", "create_payment", self._create_payment),
            route("GET", "/payments/{id}/details", "get_payment", self._get_payment),
        ]

    def _endpoint(self, name: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        def handle(request: Request, body: bytes) -> tuple[Response, Fault | None]:
            try:
                self._check_credentials(request)
                answer = handler(request, body)
            except PlainRefusal as refusal:
                return _refused(refusal), None
            return _reply(answer), answer.fault

        answer = faulty(name, self._faults, handle, _fail)

        async def endpoint(request: Request) -> Response:
            self._book.calls[name] += 1
            return await answer(request)

        return endpoint

    def _check_credentials(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, self._authorization):
            raise Refusal(401, "The application id or its secret is wrong")

    # Institutions -------------------------------------------------------------------------------

    def _list_institutions(self, _request: Request, _body: bytes) -> Answer:
        banks = [bank.as_json(self._base_url) for bank in BANKS.values()]
        return Answer(200, {"meta": _meta(count=len(banks)), "data": banks})

    def _get_institution(self, request: Request, _body: bytes) -> Answer:
        bank = BANKS.get(request.path_params["id"])
        if bank is None:
            raise Refusal(404, "There is no such institution")
        return Answer(200, bank.as_json(self._base_url))

    # Consents -----------------------------------------------------------------------------------

    def _authorise(self, _request: Request, body: bytes) -> Answer:
        asked = decode(body)
        institution_id = text_of(asked, "institutionId") or ""
        if institution_id not in BANKS:
            raise Refusal(404, "There is no such institution")
        application_user_id = text_of(asked, "applicationUserId", required=False)
        user_uuid = text_of(asked, "userUuid", required=False)
        if application_user_id is None and user_uuid is None:
            raise Refusal(400, "Either userUuid or applicationUserId must be provided")
        if user_uuid is not None and not is_uuid(user_uuid):
            raise Refusal(400, "userUuid must be a UUID")
        callback = _callback_of(asked)
        one_time = asked.get("oneTimeToken", False)
        if not isinstance(one_time, bool) or (one_time and callback is None):
            raise Refusal(400, "oneTimeToken must be true or false and needs a callback")
        payment_request = payment_request_of(asked.get("paymentRequest"))
        consent = self._book.open_consent(
            institution_id,
            application_user_id,
            user_uuid,
            callback,
            payment_request,
            one_time=one_time,
        )
        data = self._consent_json(consent)
        data["authorisationUrl"] = authorisation_url(self._base_url, consent)
        return Answer(201, {"meta": _meta(), "data": data})

    def _list_consents(self, request: Request, _body: bytes) -> Answer:
        query = request.query_params
        users = [
            *query.getlist("filter[applicationUserId]"),
            *query.getlist("filter[userUuid]"),
        ]
        if not users and "limit" not in query:
            raise Refusal(400, "A filter by user or a limit must be provided")
        limit, offset = _number(query.get("limit", "1000")), _number(query.get("offset", "0"))
        if not 1 <= limit <= 1000:
            raise Refusal(400, "limit must be between 1 and 1000")
        found = {consent.id: consent for user in users for consent in self._book.consents_of(user)}
        matching = [
            consent
            for consent in (found.values() if users else self._book.all_consents())
            if consent.institution_id in query.getlist("filter[institution]")
            or not query.getlist("filter[institution]")
        ]
        if wanted := query.getlist("filter[status]"):
            matching = [consent for consent in matching if consent.status in wanted]
        page = [self._consent_json(each) for each in matching[offset : offset + limit]]
        pagination = {"totalCount": len(matching), "self": {"limit": limit, "offset": offset}}
        meta = _meta(count=len(page)) | {"pagination": pagination}
        return Answer(200, {"meta": meta, "data": page})

    def _get_consent(self, request: Request, _body: bytes) -> Answer:
        return Answer(200, {"meta": _meta(), "data": self._consent_json(self._consent(request))})

    def _delete_consent(self, request: Request, _body: bytes) -> Answer:
        consent = self._consent(request)
        deleted = self._book.revoke(consent)
        data = {
            "id": consent.id,
            "deleteStatus": "SUCCESS" if deleted else "FAILED",
            "institutionId": consent.institution_id,
        }
        return Answer(200, {"meta": _meta(), "data": data})

    def _exchange_token(self, _request: Request, body: bytes) -> Answer:
        token = text_of(decode(body), "oneTimeToken") or ""
        consent = self._book.exchange(token)
        if consent is None:
            raise Refusal(404, "The one-time token is unknown, used or too old")
        return Answer(201, self._consent_json(consent))

    # Payments -----------------------------------------------------------------------------------

    def _create_payment(self, request: Request, body: bytes) -> Answer:
        asked = payment_request_of(decode(body))
        consent = self._consent_by_token(request)
        payment = self._book.by_idempotency_id.get(asked["paymentIdempotencyId"])
        if payment is not None:
            if (field := difference(payment.request, asked)) is not None:
                raise Refusal(409, f"This paymentIdempotencyId was used with another {field}")
            return Answer(201, {"meta": _meta(), "data": payment_json(payment)})
        if consent.status != "AUTHORIZED":
            raise Refusal(403, f"The consent is {consent.status}")
        if (field := difference(consent.payment_request, asked)) is not None:
            raise Refusal(400, f"The payer authorised another {field}", "INSTITUTION")
        fault = None if consent.fault_met else consent.scenario.fault
        consent.fault_met = True
        if fault is not None and fault.when == "before":
            return Answer(201, {}, fault)
        payment = self._book.pay(consent)
        return Answer(201, {"meta": _meta(), "data": payment_json(payment)}, fault)

    def _get_payment(self, request: Request, _body: bytes) -> Answer:
        consent = self._consent_by_token(request)
        payment = self._book.payments.get(request.path_params["id"])
        known = payment is not None and payment.consent.idempotency_id == consent.idempotency_id
        if payment is None or not known or not self._book.read(payment):
            raise Refusal(404, "The payment was not found", "INSTITUTION")
        return Answer(200, {"meta": _meta(), "data": {"payments": [payment_json(payment)]}})

    def _consent(self, request: Request) -> Consent:
        if not is_uuid(request.path_params["id"]):
            raise Refusal(400, "consentId must be a UUID")
        consent = self._book.consent(request.path_params["id"])
        if consent is None:
            raise Refusal(404, "There is no such consent")
        return consent

    def _consent_by_token(self, request: Request) -> Consent:
        token = request.headers.get("consent")
        if token is None:
            raise Refusal(400, "The header consent is missing")
        consent = self._book.consent_by_token(token)
        if consent is None:
            raise Refusal(403, "The consent token is not known")
        return consent

    def _consent_json(self, consent: Consent) -> dict[str, Any]:
        return consent_json(consent, BANKS[consent.institution_id].features)


def authorisation_url(base_url: str, consent: Consent) -> str:
    """Where the payer authorises: a page of the bank, its address known to nobody else."""
    return f"{base_url}/bank/{consent.institution_id}/authorise/{consent.key}"


def _callback_of(asked: dict[str, Any]) -> str | None:
    callback = text_of(asked, "callback", required=False)
    if callback is not None and not _ADDRESS.fullmatch(callback):
        raise Refusal(400, "callback must be an http or https address")
    return callback


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, f"{text[:20]} is not a number")
    return int(text)


def _meta(**more: Any) -> dict[str, Any]:
    return {"tracingId": uuid4().hex, **more}


def _refused(refusal: PlainRefusal) -> Response:
    return _reply(Answer(refusal.status, error_json(refusal)))


def _fail(status: int, message: str) -> Response:
    return _refused(Refusal(status, message, "YAPILY" if status == 404 else "INSTITUTION"))


def _reply(answer: Answer) -> Response:
    return Response(encode(answer.body), answer.status, media_type=MEDIA_TYPE)
