"""API Pix's operations that we use, one method each, with three kinds of failure.

``RailUnavailable``: certainly not carried out, ask again later. ``Denied``: a definite no.
``Uncertain``: it may have been carried out. Neither credentials nor tokens nor bodies appear in an
exception's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from guichet.outbound.client import ANSWER_BYTES_MAX, Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.rails.pix import wire
from guichet.rails.pix.sessions import Session
from guichet.rails.port import RailUnavailable

T = TypeVar("T")

_PAGE_BYTES_MAX = 4 * 1024 * 1024
_JSON = "application/json"
_TYPE = re.compile(r"[A-Za-z]{1,60}")
_PROPERTY = re.compile(r"[A-Za-z0-9._\[\]]{1,60}")
_REMOVED_BY_US = "REMOVIDA_PELO_USUARIO_RECEBEDOR"
_ENCODER = msgspec.json.Encoder()


class Uncertain(Exception):
    """The call may have been carried out: no answer, a server's error, or nothing readable."""


class Odd(Uncertain):
    """The answer is JSON, but not what the API's file says it is."""


class Denied(Exception):
    """A definite no. ``status`` is HTTP's, ``code`` the last part of the problem's type.

    ``text`` is what the PSP said about it, for classification only.
    """

    def __init__(self, operation: str, status: int, problem: wire.Problem) -> None:
        kind = str(problem.type or "").rstrip("/").rpartition("/")[2]
        self.code = kind if _TYPE.fullmatch(kind) else str(status)
        self.status = status
        violations = _violations(problem)
        self.text = " ".join(
            str(each or "")
            for each in (problem.title, problem.detail, *(found.razao for found in violations))
        )
        wrong = [each.propriedade for each in violations if isinstance(each.propriedade, str)]
        named = ", ".join(name for name in wrong if _PROPERTY.fullmatch(name))
        super().__init__(f"{operation}: {status} {self.code}" + (f" ({named})" if named else ""))

    @property
    def is_absence(self) -> bool:
        """Whether the PSP says that there is no such thing, or no more."""
        return self.status in (404, 410)


class PixApi:
    """Speaks to PSPs. Their answers are decoded, never trusted."""

    def __init__(self, client: GuardedClient, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def create_charge(
        self, session: Session, txid: str, request: wire.ChargeRequest
    ) -> wire.Charge:
        """PUT /cob/{txid}: the charge, or the revision of an active one."""
        return await self._call(session, "PUT", _path("cob", txid), wire.Charge, body=request)

    async def charge(self, session: Session, txid: str) -> wire.Charge:
        """GET /cob/{txid}, with the Pix that paid it."""
        return await self._call(session, "GET", _path("cob", txid), wire.Charge)

    async def remove_charge(self, session: Session, txid: str) -> wire.Charge:
        """PATCH /cob/{txid}: nobody can pay it any more; denied unless it is active."""
        revision = wire.ChargeRevision(status=_REMOVED_BY_US)
        return await self._call(session, "PATCH", _path("cob", txid), wire.Charge, body=revision)

    async def received(self, session: Session, query: Mapping[str, str]) -> wire.PixPage:
        """GET /pix: one page of the payments received."""
        path = f"/pix?{urlencode(query)}"
        return await self._call(session, "GET", path, wire.PixPage, limit_bytes=_PAGE_BYTES_MAX)

    async def refund(self, session: Session, end_to_end_id: str, refund_id: str) -> wire.Refund:
        """GET /pix/{e2eid}/devolucao/{id}."""
        path = _path("pix", end_to_end_id, "devolucao", refund_id)
        return await self._call(session, "GET", path, wire.Refund)

    async def create_refund(
        self, session: Session, end_to_end_id: str, refund_id: str, request: wire.RefundRequest
    ) -> wire.Refund:
        """PUT /pix/{e2eid}/devolucao/{id}: moves money; an id that was used before is denied."""
        path = _path("pix", end_to_end_id, "devolucao", refund_id)
        return await self._call(session, "PUT", path, wire.Refund, body=request)

    async def webhook(self, session: Session) -> wire.Webhook:
        """GET /webhook/{chave}."""
        path = _path("webhook", session.account.pix_key)
        return await self._call(session, "GET", path, wire.Webhook)

    async def put_webhook(self, session: Session, url: str) -> None:
        """PUT /webhook/{chave}; the PSP will call ``url`` with ``/pix`` behind it."""
        path = _path("webhook", session.account.pix_key)
        body = wire.WebhookRequest(webhook_url=url)
        await self._answer(session, "PUT", path, body, ANSWER_BYTES_MAX)

    async def _call(
        self,
        session: Session,
        method: str,
        path: str,
        kind: type[T],
        *,
        body: wire.Wire | None = None,
        limit_bytes: int = ANSWER_BYTES_MAX,
    ) -> T:
        answer = await self._answer(session, method, path, body, limit_bytes)
        return _decoded(_operation(method, path), answer, kind)

    async def _answer(
        self, session: Session, method: str, path: str, body: wire.Wire | None, limit_bytes: int
    ) -> Answer:
        """The answer, if it says that the operation was carried out."""
        operation = _operation(method, path)
        answer = await self._send(session, operation, method, path, body, limit_bytes)
        if answer.status == 401:  # nothing was done: the token may just be too old
            answer = await self._send(session, operation, method, path, body, limit_bytes)
        status = answer.status
        if status in (200, 201, 204):
            return answer
        if status in (401, 429):
            raise RailUnavailable(f"{operation}: {status}")
        if not 400 <= status < 500 or status == 408:
            raise Uncertain(f"{operation}: {status}")
        # A proxy's own page says nothing about the operation.
        raise Denied(operation, status, _decoded(operation, answer, wire.Problem))

    async def _send(
        self,
        session: Session,
        operation: str,
        method: str,
        path: str,
        body: wire.Wire | None,
        limit_bytes: int,
    ) -> Answer:
        token = await session.token()
        headers = {"authorization": f"Bearer {token}", "accept": _JSON}
        if body is not None:
            headers["content-type"] = _JSON
        try:
            answer = await self._client.send(
                method,
                session.account.base_url.rstrip("/") + path,
                policy=ANYWHERE,
                about="pix",
                timeout_seconds=self._timeout_seconds,
                headers=headers,
                body=b"" if body is None else _ENCODER.encode(body),
                limit_bytes=limit_bytes,
                identity=session.identity,
            )
        except (NotSent, RefusedAddress) as error:
            raise RailUnavailable(f"{operation}: {error}") from error
        except NoAnswer as error:
            raise Uncertain(f"{operation}: {error}") from error
        if answer.status == 401:
            session.forget(token)
        return answer


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _operation(method: str, path: str) -> str:
    """The operation without ids: GET /pix/devolucao."""
    return f"{method} /" + "/".join(path.split("?", maxsplit=1)[0].split("/")[1::2])


def _decoded(operation: str, answer: Answer, kind: type[T]) -> T:
    # The errors' own texts may quote the body.
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.ValidationError:
        raise Odd(f"{operation}: {answer.status}, of another shape") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Uncertain(
            f"{operation}: {answer.status}, unreadable ({type(error).__name__})"
        ) from None


def _violations(problem: wire.Problem) -> list[wire.Violation]:
    try:
        return msgspec.convert(problem.violacoes or [], list[wire.Violation])
    except msgspec.ValidationError:
        return []
