"""MTN's operations that we use, with three kinds of failure.

``RailUnavailable``: certainly not carried out, ask again later. ``Denied``: a definite no.
``Uncertain``: it may have been carried out. Neither credentials nor bodies appear in an
exception's text.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from guichet.outbound.client import Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.rails.mobile_money import Uncertain
from guichet.rails.mobile_orders import Denied
from guichet.rails.mtn import wire
from guichet.rails.mtn.sessions import Door
from guichet.rails.mtn.statuses import DENIALS, REASONS, known_code
from guichet.rails.port import RailUnavailable

Resource = Literal["requesttopay", "transfer", "refund"]

_ENCODER = msgspec.json.Encoder()
_JSON = "application/json"
#: MTN counts versions by operation.
_POSTED = {
    "requesttopay": "v1_0/requesttopay",
    "transfer": "v1_0/transfer",
    "refund": "v2_0/refund",
}
_SEEN_BEFORE = "RESOURCE_ALREADY_EXIST"


class MtnApi:
    """Speaks to MTN. Its answers are decoded, never trusted."""

    def __init__(self, client: GuardedClient, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def post(
        self,
        door: Door,
        resource: Resource,
        reference_id: str,
        order: wire.Order,
        callback_url: str | None,
    ) -> None:
        """POST an order under our id; returns when MTN took it (202).

        An id is taken once: a repetition is ``Denied``, whatever became of the first one.
        """
        headers = {"x-reference-id": reference_id, "content-type": _JSON}
        if callback_url is not None:
            headers["x-callback-url"] = callback_url
        operation, body = f"POST {resource}", _ENCODER.encode(order)
        answer = await self._ask(door, operation, "POST", _POSTED[resource], headers, body)
        if answer.status != 202:
            raise _failure(operation, answer)

    async def result(self, door: Door, resource: Resource, reference_id: str) -> wire.Result | None:
        """GET how an order stands; None if MTN does not know it.

        Raises ``RailUnavailable`` for everything else that is no answer.
        """
        operation, path = f"GET {resource}", f"v1_0/{resource}/{reference_id}"
        try:
            answer = await self._ask(door, operation, "GET", path, {}, b"")
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error
        if answer.status == 404 and _code(answer) is not None:
            return None  # a 404 of something else on the way says nothing about the order
        if answer.status != 200:
            raise RailUnavailable(f"{operation}: {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=wire.Result)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RailUnavailable(f"{operation}: unreadable ({type(error).__name__})") from None

    async def _ask(
        self,
        door: Door,
        operation: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
    ) -> Answer:
        answer = await self._send(door, operation, method, path, headers, body)
        if answer.status == 401:  # nothing was done: the token may just be too old
            answer = await self._send(door, operation, method, path, headers, body)
        if answer.status in (401, 429):
            raise RailUnavailable(f"{operation}: {answer.status}")
        return answer

    async def _send(
        self,
        door: Door,
        operation: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
    ) -> Answer:
        token = await door.token()
        own = {
            "authorization": f"Bearer {token}",
            "ocp-apim-subscription-key": door.subscription_key,
            "x-target-environment": door.environment,
            "accept": _JSON,
        }
        try:
            answer = await self._client.send(
                method,
                f"{door.root}/{path}",
                policy=ANYWHERE,
                about="mtn",
                timeout_seconds=self._timeout_seconds,
                headers=own | headers,
                body=body,
            )
        except (NotSent, RefusedAddress) as error:
            raise RailUnavailable(f"{operation}: {error}") from error
        except NoAnswer as error:
            raise Uncertain(f"{operation}: {error}") from error
        if answer.status == 401:
            door.forget(token)
        return answer


def _failure(operation: str, answer: Answer) -> Denied | Uncertain:
    """What an answer other than 202 to an order means."""
    status, code = answer.status, _code(answer)
    if status in (400, 403, 409) or (status >= 500 and code in DENIALS):
        return _denied(operation, status, code)
    if status == 404 and code is not None:  # what is to be refunded is not there
        return _denied(operation, status, code)
    return Uncertain(f"{operation}: {status} {known_code(code) or ''}".strip())


def _denied(operation: str, status: int, code: str | None) -> Denied:
    word = known_code(code) or str(status)
    is_repetition = status == 409 or word == _SEEN_BEFORE
    sentence = f"{operation}: {status} {word}"
    return Denied(sentence, word, REASONS.get(word), is_repetition=is_repetition)


def _code(answer: Answer) -> str | None:
    try:
        return msgspec.json.decode(answer.body, type=wire.Problem).code
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
