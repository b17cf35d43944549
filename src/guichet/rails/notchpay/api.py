"""Notch Pay's operations that we use, with three kinds of failure.

``RailUnavailable``: certainly not carried out, ask again later. ``Denied``: a definite no.
``Uncertain``: it may have been carried out. Neither keys nor bodies appear in an exception's text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, TypeVar
from urllib.parse import quote

import msgspec

from guichet.domain.outcomes import Reason
from guichet.outbound.client import Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.rails.mobile_money import Uncertain
from guichet.rails.mobile_orders import Denied
from guichet.rails.notchpay import wire
from guichet.rails.notchpay.account import NotchpayAccount
from guichet.rails.port import RailUnavailable

T = TypeVar("T")
Resource = Literal["payments", "transfers"]

_ENCODER = msgspec.json.Encoder()
_JSON = "application/json"
#: Lists repeat their rows under two or three names.
_LIST_BYTES_MAX = 1_000_000
_ROWS = 50
_PAGES_MAX = 40
#: What asks for the private key, too; it goes nowhere else.
_GRANTED = frozenset({"balance", "refunds", "transfers", "webhooks"})
#: Answers that say no to us, and nothing about the order.
_NOT_NOW = frozenset({401, 429})
_DENIALS = frozenset({400, 403, 404, 406, 409, 422})
#: Fields about the payer or the order, by which a no is final.
_FINAL_FIELDS = frozenset(
    {
        "account_number",
        "amount",
        "beneficiary",
        "channel",
        "country",
        "currency",
        "locked_channel",
        "phone",
    }
)
_ANSWERS: dict[Resource, type[wire.PaymentAnswer | wire.TransferAnswer]] = {
    "payments": wire.PaymentAnswer,
    "transfers": wire.TransferAnswer,
}


class NotchpayApi:
    """Speaks to Notch Pay. Its answers are decoded, never trusted."""

    def __init__(self, client: GuardedClient, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    # Orders ---------------------------------------------------------------------------------------

    async def create(
        self,
        account: NotchpayAccount,
        resource: Resource,
        order: wire.NewPayment | wire.NewTransfer,
    ) -> wire.Order:
        """POST a payment or a transfer. A reference is taken once: ``Denied.is_repetition``."""
        answer = await self._order(account, "POST", f"/{resource}", order, 201)
        return _read_order(f"POST {resource}", answer, _ANSWERS[resource])

    async def process(
        self, account: NotchpayAccount, reference: str, order: wire.Processing
    ) -> wire.Order:
        """PUT a channel and a phone to a pending payment: its payer is asked."""
        path = f"/payments/{quote(reference, safe='')}"
        answer = await self._order(account, "PUT", path, order, 202)
        return _read_order("PUT payments", answer, wire.PaymentAnswer)

    async def cancel(self, account: NotchpayAccount, resource: Resource, reference: str) -> None:
        """DELETE a pending payment or transfer; returns when it is cancelled."""
        path = f"/{resource}/{quote(reference, safe='')}"
        await self._order(account, "DELETE", path, None, 202)

    async def refund(self, account: NotchpayAccount, order: wire.NewRefund) -> wire.Refund:
        """POST a refund; there is no reference by which a repetition would be seen."""
        answer = await self._order(account, "POST", "/refunds", order, 201)
        found = _decoded("POST refunds", answer, wire.RefundAnswer).found
        if found is None:
            raise Uncertain("POST refunds: no refund in the answer")
        return found

    # Looks ----------------------------------------------------------------------------------------

    async def find(
        self, account: NotchpayAccount, resource: Resource, reference: str, key: str
    ) -> wire.Order | None:
        """GET an order by a reference, else by searching for ``key``; None: there is none.

        Some say that Notch Pay finds an order by its own reference alone: so a miss counts only
        if the search has none, too.
        """
        path = f"/{resource}/{quote(reference, safe='')}"
        answer = await self._look(account, path)
        if answer is not None:
            found = _looked(path, answer, _ANSWERS[resource]).found
            if found is None:
                raise RailUnavailable(f"GET {resource}: no order in the answer")
            return found
        search = f"/{resource}?limit={_ROWS}&search={quote(key, safe='')}"
        answer = await self._look(account, search)
        if answer is None:
            raise RailUnavailable(f"GET {resource}: there is no list")
        rows = _looked(resource, answer, wire.Page[wire.Order]).rows
        return next((row for row in rows if row.is_named(key)), None)

    async def read_refund(self, account: NotchpayAccount, refund_id: str) -> wire.Refund | None:
        """GET /refunds/{id}; None if there is none."""
        path = f"/refunds/{quote(refund_id, safe='')}"
        answer = await self._look(account, path)
        return None if answer is None else _looked(path, answer, wire.RefundAnswer).found

    async def refunds(self, account: NotchpayAccount) -> AsyncIterator[wire.Refund]:
        """Every refund of the account, newest first; raises ``RailUnavailable`` unless whole."""
        for number in range(1, _PAGES_MAX + 1):
            answer = await self._look(account, f"/refunds?limit={_ROWS}&page={number}")
            if answer is None:
                raise RailUnavailable("GET refunds: there is no list")
            page = _looked("refunds", answer, wire.Page[wire.Refund])
            for row in page.rows:
                yield row
            if number >= page.last_page:
                return
        raise RailUnavailable("GET refunds: the list is too long")

    # The account ----------------------------------------------------------------------------------

    async def check(self, account: NotchpayAccount) -> None:
        """GET /balance if the account has a private key, else /; raises unless it answers."""
        path = "/balance" if account.private_key else "/"
        if await self._look(account, path) is None:
            raise RailUnavailable(f"GET {path}: 404")

    async def channels(self, account: NotchpayAccount) -> list[wire.Channel]:
        """GET /channels."""
        answer = await self._look(account, "/channels")
        return [] if answer is None else _looked("channels", answer, wire.Page[wire.Channel]).rows

    async def endpoints(self, account: NotchpayAccount) -> list[wire.Endpoint]:
        """GET /webhooks."""
        answer = await self._look(account, "/webhooks?limit=100")
        return [] if answer is None else _looked("webhooks", answer, wire.Endpoints).rows

    async def register(self, account: NotchpayAccount, endpoint: wire.NewEndpoint) -> None:
        """POST /webhooks; raises ``Denied`` and ``RailUnavailable``."""
        try:
            await self._order(account, "POST", "/webhooks", endpoint, 201)
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error

    # HTTP -----------------------------------------------------------------------------------------

    async def _order(
        self,
        account: NotchpayAccount,
        method: str,
        path: str,
        order: wire.Wire | None,
        expected_status: int,
    ) -> Answer:
        """The answer to an order that was taken."""
        body = b"" if order is None else _ENCODER.encode(order)
        answer = await self._send(account, method, path, body)
        if answer.status not in {200, expected_status}:
            raise _failure(f"{method} {path.split('/')[1]}", answer)
        return answer

    async def _look(self, account: NotchpayAccount, path: str) -> Answer | None:
        """The answer to a read; None for a 404 of Notch Pay's own."""
        operation = f"GET {path.split('?', maxsplit=1)[0].split('/')[1]}"
        try:
            answer = await self._send(account, "GET", path, b"")
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        if answer.status == 404 and _problem(answer) is not None:
            return None  # a 404 of something else on the way says nothing about the order
        # Documents promise 202 to some reads.
        if answer.status not in (200, 202):
            raise RailUnavailable(f"{operation}: {answer.status}")
        return answer

    async def _send(self, account: NotchpayAccount, method: str, path: str, body: bytes) -> Answer:
        resource = path.split("?", maxsplit=1)[0].split("/")[1]
        headers = {"authorization": account.public_key, "accept": _JSON}
        if account.private_key and resource in _GRANTED:
            headers["x-grant"] = account.private_key
        if body:
            headers["content-type"] = _JSON
        operation = f"{method} {resource}"
        try:
            return await self._client.send(
                method,
                account.base_url.rstrip("/") + path,
                policy=ANYWHERE,
                about="notchpay",
                timeout_seconds=self._timeout_seconds,
                headers=headers,
                body=body,
                limit_bytes=_LIST_BYTES_MAX,
            )
        except (NotSent, RefusedAddress) as error:
            raise RailUnavailable(f"{operation}: {error}") from error
        except NoAnswer as error:
            raise Uncertain(f"{operation}: {error}") from error


def _read_order(
    operation: str, answer: Answer, kind: type[wire.PaymentAnswer | wire.TransferAnswer]
) -> wire.Order:
    found = _decoded(operation, answer, kind).found
    if found is None:
        raise Uncertain(f"{operation}: no order in the answer")
    return found


def _decoded(operation: str, answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Uncertain(f"{operation}: unreadable ({type(error).__name__})") from None


def _looked(path: str, answer: Answer, kind: type[T]) -> T:
    try:
        return _decoded(f"GET {path.strip('/').split('/')[0]}", answer, kind)
    except Uncertain as error:
        raise RailUnavailable(str(error)) from None


def _failure(operation: str, answer: Answer) -> Exception:
    """What an answer other than the expected one to an order means."""
    status, problem = answer.status, _problem(answer)
    if status in _NOT_NOW:
        return RailUnavailable(f"{operation}: {status}")
    if problem is None or status not in _DENIALS:
        return Uncertain(f"{operation}: {status}")
    is_repetition = status == 409 or "reference" in problem.fields
    final = sorted(problem.fields & _FINAL_FIELDS)
    reason: Reason | None = None
    code = str(status)
    if "insufficient" in problem.message.lower():
        reason, code = Reason.INSUFFICIENT_FUNDS, "INSUFFICIENT_FUNDS"
    elif final:
        reason, code = Reason.REJECTED, f"INVALID_{final[0].upper()}"
    return Denied(f"{operation}: {status} {code}", code, reason, is_repetition=is_repetition)


def _problem(answer: Answer) -> wire.Problem | None:
    try:
        return msgspec.json.decode(answer.body, type=wire.Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
