"""The tables of the dialect are total, and its small parts do as Laravel and the standards do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from standardwebhooks import Webhook

from guichet.dialects.neopay.envelope import asked_page, links_and_meta
from guichet.dialects.neopay.errors import error_reply
from guichet.dialects.neopay.statuses import SERVICE_OF_RAIL, states_of, status_word
from guichet.dialects.neopay.webhooks import render_event, signature_headers
from guichet.dialects.validation import say
from guichet.domain import errors
from guichet.domain.events import PAYMENT_COMPLETED, Event
from guichet.domain.outcomes import Reason
from guichet.domain.paging import Page
from guichet.domain.payments import PAYMENT
from guichet.gateway import Gateway
from guichet.server.site import Site
from guichet.services.access import identify
from guichet.services.face import SigningKeys
from guichet.services.payments import read_payment
from guichet.web import asgi
from guichet.web.asgi import Request
from guichet.web.proxies import TrustedProxies
from wire.applications import TestApplication
from wire.client import Client
from wire.failures import kinds, one_of
from wire.neopay import documents


def request(target: str = "/api/payments", method: str = "GET") -> Request:
    path, _, query = target.partition("?")
    scope = {"method": method, "path": path, "query_string": query.encode(), "headers": []}
    return Request(scope, TrustedProxies())


# --- errors --------------------------------------------------------------------------------------

_STATUSES: dict[type[Exception], int] = {
    errors.GuichetError: 500,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.CustomerBlocked: 403,
    errors.NotFound: 404,
    errors.Invalid: 422,
    errors.RequestKeyReused: 422,
    errors.RequestInProgress: 409,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    errors.Overloaded: 503,
    errors.Conflicted: 503,
    errors.DatabaseUnavailable: 503,
    errors.Halted: 503,
    errors.NotPayable: 409,
    errors.LinkNotPayable: 409,
    errors.DuplicateReference: 409,
    errors.NotCancellable: 409,
    errors.NotRefundable: 409,
    errors.InsufficientFunds: 409,
    errors.ForbiddenTransition: 500,
    asgi.Refusal: 400,
    asgi.RouteNotFound: 404,
    asgi.MethodNotAllowed: 405,
    asgi.BodyTooSlow: 408,
    asgi.BodyTooLarge: 413,
    asgi.EncodingNotSupported: 415,
}


@pytest.mark.parametrize("kind", kinds("neopay"))
def test_every_error_has_its_status_and_a_message(kind: type[Exception]) -> None:
    reply = error_reply(request(), one_of(kind))
    assert reply.status == _STATUSES[kind]
    assert msgspec.json.decode(reply.body)["message"]


def test_defect_tells_nothing_about_itself() -> None:
    reply = error_reply(request(), RuntimeError("postgresql://user:secret@host"))
    assert (reply.status, reply.body) == (500, b'{"message":"Server Error"}')


@pytest.mark.parametrize(
    "error", [errors.RateLimited(60, 7), errors.Unavailable(7), errors.DatabaseUnavailable(7)]
)
def test_try_again_says_when(error: errors.GuichetError) -> None:
    assert ("Retry-After", "7") in error_reply(request(), error).headers


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("institutionId", "institution id"),
        ("serviceId", "service id"),
        ("callback_url", "callback url"),
        ("customer.tax_number", "customer.tax number"),
        ("payment.amount", "payment.amount"),
        ("settings.expirationDate", "settings.expiration date"),
    ],
)
def test_fields_are_called_as_laravel_calls_them(path: str, words: str) -> None:
    assert say("{}", path) == words


# --- words ---------------------------------------------------------------------------------------

_WORDS = {"pending", "completed", "failed", "declined", "expired"}


@pytest.mark.parametrize("reason", [None, *Reason])
@pytest.mark.parametrize("status", PAYMENT.states)
def test_every_state_has_a_word_and_is_found_by_it(status: str, reason: str | None) -> None:
    word = status_word(status, reason)
    assert word in _WORDS
    assert (status, str(reason or "")) in states_of(word.upper())


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        ("pending", None, "pending"),
        ("processing", None, "pending"),
        ("completed", None, "completed"),
        ("failed", "declined", "declined"),
        ("failed", "rejected", "declined"),
        ("failed", "insufficient_funds", "failed"),
        ("failed", "withdrawn", "failed"),
        ("failed", "provider_error", "failed"),
        ("failed", None, "failed"),
        ("cancelled", None, "declined"),
        ("expired", "timed_out", "expired"),
        ("reversed", "rejected", "failed"),
    ],
)
def test_words_of_states(status: str, reason: str | None, word: str) -> None:
    assert status_word(status, reason) == word


def test_services_have_the_documented_names() -> None:
    assert SERVICE_OF_RAIL == {"open_banking": "api", "pix": "pix"}


# --- pages ---------------------------------------------------------------------------------------


def meta(target: str, total: int) -> tuple[Any, Any]:
    asked = request(target)
    page = asked_page(asked)
    count = max(0, min(page.size, total - page.offset))
    envelope = links_and_meta("https://pay.example", asked, page, count, total)
    return envelope["links"], envelope["meta"]


def test_empty_list_has_one_page() -> None:
    links, page = meta("/api/payments", 0)
    assert links["first"] == links["last"] == "https://pay.example/api/payments?page=1"
    assert (links["prev"], links["next"]) == (None, None)
    assert (page["from"], page["to"], page["last_page"], page["total"]) == (None, None, 1, 0)


def test_page_past_the_end_is_empty_and_points_back() -> None:
    links, page = meta("/api/payments?page=9", 16)
    assert (page["current_page"], page["from"], page["to"]) == (9, None, None)
    assert links["prev"] == "https://pay.example/api/payments?page=8"
    assert links["next"] is None


def test_filters_stay_in_the_links() -> None:
    links, _ = meta("/api/payments?status=pending&page=1&q=%C3%A9+%26&per_page=5", 16)
    assert links["next"] == (
        "https://pay.example/api/payments?status=pending&q=%C3%A9+%26&per_page=5&page=2"
    )


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", Page(1, 10)),
        ("page=3", Page(3, 10)),
        ("page=0", Page(1, 10)),
        ("page=-1", Page(1, 10)),
        ("page=x", Page(1, 10)),
        ("page=1.5", Page(1, 10)),
        ("page=%D9%A3", Page(1, 10)),
        ("page=", Page(1, 10)),
        ("page=" + "9" * 40, Page(1, 10)),
        ("per_page=100", Page(1, 100)),
        ("per_page=101", Page(1, 10)),
        ("per_page=0", Page(1, 10)),
    ],
)
def test_page_asked_for(query: str, page: Page) -> None:
    assert asked_page(request(f"/api/payments?{query}")) == page


@pytest.mark.parametrize(
    ("current", "pages", "shown"),
    [
        (1, 1, "1"),
        (7, 13, "1 2 3 4 5 6 7 8 9 10 11 12 13"),
        (7, 14, "1 2 3 4 5 6 7 8 9 10 ... 13 14"),
        (8, 14, "1 2 ... 5 6 7 8 9 10 11 12 13 14"),
        (10, 20, "1 2 ... 7 8 9 10 11 12 13 ... 19 20"),
    ],
)
def test_long_lists_leave_pages_out_as_laravel_does(current: int, pages: int, shown: str) -> None:
    _, page = meta(f"/api/payments?page={current}", pages * 10)
    numbers = page["links"][1:-1]
    assert " ".join(link["label"] for link in numbers) == shown
    assert [link["label"] for link in numbers if link["active"]] == [str(current)]
    assert all((link["url"] is None) == (link["label"] == "...") for link in numbers)


# --- notifications -------------------------------------------------------------------------------

SECRET = b"twenty-four bytes long.."


def test_notification_verifies_by_standard_webhooks() -> None:
    body = b'{"payment":{}}'
    headers = signature_headers(SigningKeys(SECRET), body, "evt_1", datetime.now(UTC))
    assert Webhook(SECRET).verify(body, dict(headers)) == {"payment": {}}


def test_notification_is_signed_in_neopays_manner() -> None:
    moment = datetime(2023, 6, 12, 0, 20, 1, tzinfo=UTC)
    headers = signature_headers(SigningKeys(b"secret"), b"{}", "evt_1", moment)
    assert headers["X-Neopay-Event"] == "payment.updated"
    # printf '1686529201.{}' | openssl dgst -sha256 -hmac secret
    assert (
        headers["X-Neopay-Signature"]
        == "t=1686529201,v1=57b413a5ccfee74f05582dd7bf12bf8decdbbf6fb1b28b9b4d740d1a23f3ee2a"
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_event_is_rendered_as_of_its_moment(
    gateway: Gateway, neopay: Client, application: TestApplication
) -> None:
    created = (await neopay.post("/api/payments", documents.PAYMENT)).json()["payment"]
    caller = identify(gateway, str(application.id), application.token)
    view = await read_payment(gateway, caller, UUID(created["id"]))
    moment = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
    event = Event(
        id=UUID(int=1),
        application_id=application.id,
        type=PAYMENT_COMPLETED,
        subject_type="payment",
        subject_id=view.payment.id,
        version=2,
        status="completed",
        previous_status="processing",
        reason=None,
        late=False,
        occurred_at=moment,
    )
    body = msgspec.json.decode(render_event(gateway, event, view) or b"")
    changes = {"status": "completed", "updated_at": "2033-05-18T03:33:20.000000Z"}
    assert body == {"payment": created | changes | {"amount": 122.44}}


async def test_before_the_gateway_is_there_clients_get_json() -> None:
    answer = await Client(Site()).get("/api/payments")

    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})
    assert answer.headers["retry-after"] == "1"
