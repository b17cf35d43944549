"""The operations of GSMA's API that we use, with three kinds of failure.

``RailUnavailable``: certainly not carried out, ask again later. ``Denied``: a definite no.
``Uncertain``: it may have been carried out. Neither credentials nor bodies appear in an
exception's text.
"""

from __future__ import annotations

import re
from typing import TypeVar
from urllib.parse import quote

import msgspec

from guichet.outbound.client import Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.rails.gsma import wire
from guichet.rails.gsma.sessions import Session
from guichet.rails.gsma.statuses import CODES, code_of, reason_of
from guichet.rails.mobile_money import Uncertain
from guichet.rails.mobile_orders import Denied
from guichet.rails.port import RailUnavailable

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_JSON = "application/json"
#: Categories of errors that are no accident but a no.
_DENIALS = frozenset({"businessRule", "validation", "identification", "authorisation"})
_STATE_LINK = re.compile(r".*/requeststates/([0-9A-Fa-f-]{36})")
_TRANSACTION_LINK = re.compile(r".*/transactions/([^/?#]{1,256})")


class GsmaApi:
    """Speaks to operators. Their answers are decoded, never trusted."""

    def __init__(self, client: GuardedClient, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def post(
        self,
        session: Session,
        path: str,
        correlation_id: str,
        order: wire.Order,
        callback_url: str | None,
    ) -> wire.State | wire.Transaction:
        """POST an order under our id; how it stands, or what it came to at once.

        An id is taken once: a repetition is ``Denied``, whatever became of the first one.
        """
        headers = {"x-correlationid": correlation_id, "content-type": _JSON}
        if callback_url is not None:
            headers["x-callback-url"] = callback_url
        operation, body = f"POST {path.rpartition('/')[2]}", _ENCODER.encode(order)
        answer = await self._send(session, operation, "POST", path, headers, body)
        kind = {201: wire.Transaction, 202: wire.State}.get(answer.status)
        if kind is None:
            raise _failure(operation, answer)
        try:
            found: wire.State | wire.Transaction = msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Uncertain(f"{operation}: unreadable ({type(error).__name__})") from None
        return found

    async def state(self, session: Session, state_id: str) -> wire.State | None:
        """GET /requeststates/{id}; None if there is none, or no more looks at it are allowed."""
        return await self._read(session, f"/requeststates/{quote(state_id, safe='')}", wire.State)

    async def transaction(self, session: Session, reference: str) -> wire.Transaction | None:
        """GET /transactions/{reference}; None if there is none."""
        path = f"/transactions/{quote(reference, safe='')}"
        return await self._read(session, path, wire.Transaction)

    async def response(
        self, session: Session, correlation_id: str
    ) -> wire.State | wire.Transaction | None:
        """What became of the order that was posted under our id; None if nothing did.

        Follows the link of GET /responses/{id}, its last part alone: where an operator's links
        lead is not for us to trust.
        """
        link = await self._read(session, f"/responses/{correlation_id}", wire.Link)
        if link is None:
            return None
        if match := _STATE_LINK.fullmatch(link.link):
            return await self._found(await self.state(session, match[1]))
        if match := _TRANSACTION_LINK.fullmatch(link.link):
            return await self._found(await self.transaction(session, match[1]))
        raise RailUnavailable("GET responses: a link to nothing that we know")

    async def heartbeat(self, session: Session) -> str:
        """GET /heartbeat: ``available``, ``unavailable`` or ``degraded``."""
        found = await self._read(session, "/heartbeat", wire.Heartbeat)
        status = (await self._found(found)).service_status
        return status if status.isalpha() else "in a state without a name"

    async def _found(self, found: T | None) -> T:
        if found is None:
            raise RailUnavailable("what is asked for is not found")
        return found

    async def _read(self, session: Session, path: str, kind: type[T]) -> T | None:
        operation = f"GET {path.split('/')[1]}"
        try:
            answer = await self._send(session, operation, "GET", path, {}, b"")
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        if answer.status != 200:
            problem = _problem(answer)
            if answer.status == 404 and problem is not None:
                return None
            if problem is not None and problem.error_code == "rateLimitError":
                return None
            raise RailUnavailable(f"{operation}: {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RailUnavailable(f"{operation}: unreadable ({type(error).__name__})") from None

    async def _send(
        self,
        session: Session,
        operation: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
    ) -> Answer:
        own = await session.authorization()
        answer = await self._once(session, operation, method, path, headers, body, own)
        is_about_us = answer.status == 401 and _is_about_us(_problem(answer))
        if is_about_us and session.account.token_url:  # the token may just be too old
            session.refuse(own)
            own = await session.authorization()
            answer = await self._once(session, operation, method, path, headers, body, own)
        return answer

    async def _once(
        self,
        session: Session,
        operation: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        authorization: str,
    ) -> Answer:
        account = session.account
        own = {"authorization": authorization, "accept": _JSON}
        if account.api_key:
            own["x-api-key"] = account.api_key
        try:
            return await self._client.send(
                method,
                account.base_url.rstrip("/") + path,
                policy=ANYWHERE,
                timeout_seconds=self._timeout_seconds,
                headers=own | headers,
                body=body,
            )
        except (NotSent, RefusedAddress) as error:
            raise RailUnavailable(f"{operation}: {error}") from error
        except NoAnswer as error:
            raise Uncertain(f"{operation}: {error}") from error


def _failure(operation: str, answer: Answer) -> Exception:
    """What an answer other than 201 and 202 to an order means."""
    status, problem = answer.status, _problem(answer)
    if status == 429 or (status == 401 and _is_about_us(problem)):
        return RailUnavailable(f"{operation}: {status}")
    if problem is None or not 400 <= status < 500 or problem.error_category not in _DENIALS:
        return Uncertain(f"{operation}: {status}")
    if problem.error_code == "rateLimitError":
        return RailUnavailable(f"{operation}: {problem.error_code}")
    code = code_of(problem)
    return Denied(
        f"{operation}: {status} {code or ''}".strip(),
        code,
        reason_of(problem) if problem.error_code in CODES else None,
        is_repetition=problem.error_code == "duplicateRequest",
    )


def _is_about_us(problem: wire.Problem | None) -> bool:
    return problem is None or problem.error_code == "clientAuthorisationError"


def _problem(answer: Answer) -> wire.Problem | None:
    try:
        return msgspec.json.decode(answer.body, type=wire.Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
