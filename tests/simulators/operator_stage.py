"""The operators as their users see them: two API clients, a phone's browser, the control API."""

from __future__ import annotations

import queue
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

import mtn
from guichet.simulators.operator import Credentials, build_app
from judge import Judge, judge_if_there

MOUNT = "/simulators/operator"
CREDENTIALS = Credentials("client", "secret", "key")
MTN = "237670000000"
ORANGE = "237690000000"


@dataclass(frozen=True)
class Callback:
    """A callback as the merchant received it."""

    method: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Operators:
    """The simulator from outside; every answer of the two APIs is judged."""

    url: str
    callbacks: queue.Queue[Callback]
    mtn_judge: Judge
    gsma_judge: Judge | None
    token: dict[str, str] = field(default_factory=dict)
    browser: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.browser = httpx2.Client(trust_env=False, timeout=20)

    @property
    def receiver(self) -> str:
        return f"{self.url.removesuffix(MOUNT)}/receiver"

    def control(self, name: str, **asked: Any) -> Any:
        answer = self.browser.post(f"{self.url}/_control/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.browser.get(f"{self.url}/_control/state").json()

    def request_of(self, key: str) -> dict[str, Any]:
        """What the book says of an order."""
        found: dict[str, Any] = next(r for r in self.state()["requests"] if r["key"] == key)
        return found

    def callback(self) -> Callback:
        return self.callbacks.get(timeout=10)

    # MTN ----------------------------------------------------------------------------------------

    def mtn(
        self, method: str, path: str, *, judged: bool = True, **options: Any
    ) -> httpx2.Response:
        """A call of MTN's API with subscription, token and environment unless said otherwise."""
        headers = {"Ocp-Apim-Subscription-Key": CREDENTIALS.key}
        if "auth" not in options:
            product = path.split("/")[1]
            headers["X-Target-Environment"] = "mtncameroon"
            if product in {"collection", "disbursement"}:
                headers["Authorization"] = f"Bearer {self.access_token(product)}"
        headers |= options.pop("headers", {})
        answer = self.browser.request(
            method, f"{self.url}/mtn{path}", headers=without_none(headers), **options
        )
        if judged:
            judge_answer(self.mtn_judge, answer)
        return answer

    def access_token(self, product: str) -> str:
        if product not in self.token:
            answer = self.mtn(
                "POST", f"/{product}/token/", auth=(CREDENTIALS.user, CREDENTIALS.secret)
            )
            assert answer.status_code == 200, answer.text
            self.token[product] = answer.json()["access_token"]
        return self.token[product]

    def order(
        self, resource: str, party: str, amount: str = "5000", **changes: Any
    ) -> tuple[str, httpx2.Response]:
        """Posts an order of 5000 XAF; its reference id and the answer."""
        own = {"requesttopay": "payer", "transfer": "payee", "refund": "referenceIdToRefund"}
        product = "collection" if resource == "requesttopay" else "disbursement"
        body = {
            "amount": amount,
            "currency": "XAF",
            "externalId": "42",
            own[resource]: party
            if resource == "refund"
            else {"partyIdType": "MSISDN", "partyId": party},
            "payerMessage": "Commande 42",
        }
        key = changes.pop("key", str(uuid.uuid4()))
        headers = {"X-Reference-Id": key} | changes.pop("headers", {})
        version = "v2_0" if resource == "refund" else "v1_0"
        answer = self.mtn(
            "POST",
            f"/{product}/{version}/{resource}",
            headers=headers,
            json=without_none(body | changes),
        )
        return key, answer

    def result(self, resource: str, key: str, **headers: str) -> dict[str, Any]:
        product = "collection" if resource == "requesttopay" else "disbursement"
        answer = self.mtn("GET", f"/{product}/v1_0/{resource}/{key}", headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def collected(self, number: str, **changes: Any) -> tuple[str, dict[str, Any]]:
        """Asks a number to pay; the reference id and how that stands."""
        key, answer = self.order("requesttopay", number, **changes)
        assert answer.status_code == 202, answer.text
        return key, self.result("requesttopay", key)

    # GSMA ---------------------------------------------------------------------------------------

    def gsma(
        self, method: str, path: str, *, operator: str = "cm.orange", **options: Any
    ) -> httpx2.Response:
        """A call of GSMA's API with the client's credentials."""
        headers = {"X-API-Key": CREDENTIALS.key} | options.pop("headers", {})
        options.setdefault("auth", (CREDENTIALS.user, CREDENTIALS.secret))
        answer = self.browser.request(
            method,
            f"{self.url}/gsma/{operator}{path}",
            headers=without_none(headers),
            **options,
        )
        if self.gsma_judge is not None and operator == "cm.orange":
            judge_answer(self.gsma_judge, answer)
        return answer

    def transaction(
        self, kind: str, number: str, amount: str = "5000", **changes: Any
    ) -> tuple[str, httpx2.Response]:
        """Posts a transaction of 5000 XAF; its correlation id and the answer."""
        name = "debitParty" if kind == "merchantpay" else "creditParty"
        body = {
            "amount": amount,
            "currency": "XAF",
            name: [{"key": "msisdn", "value": f"+{number}"}],
            "descriptionText": "Commande 42",
            "requestingOrganisationTransactionReference": "42",
        }
        key = changes.pop("key", str(uuid.uuid4()))
        headers = {"X-CorrelationID": key} | changes.pop("headers", {})
        answer = self.gsma(
            "POST",
            f"/transactions/type/{kind}",
            headers=headers,
            json=without_none(body | changes),
        )
        return key, answer

    def asked(self, kind: str, number: str, **changes: Any) -> tuple[str, dict[str, Any]]:
        """Posts a transaction; the correlation id and the request's state after it."""
        key, answer = self.transaction(kind, number, **changes)
        assert answer.status_code == 202, answer.text
        state = self.gsma("GET", f"/requeststates/{answer.json()['serverCorrelationId']}")
        assert state.status_code == 200, state.text
        return key, state.json()

    # The phone ----------------------------------------------------------------------------------

    def phone(self, number: str, **options: Any) -> httpx2.Response:
        return self.browser.get(f"{self.url}/phone/{number}", **options)

    def press(self, number: str, decision: str = "pay", pin: str = "1234") -> str:
        """Answers the prompt on the phone; the page that the browser is led to."""
        prompt = value_of(self.phone(number).text, "prompt")
        answer = self.browser.post(
            f"{self.url}/phone/{number}/answer",
            data={"prompt": prompt, "pin": pin, "decision": decision},
            follow_redirects=True,
        )
        assert answer.status_code == 200, answer.text
        return answer.text


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def judge_answer(judge: Judge, answer: httpx2.Response) -> None:
    """Judges the answer, and the request too if it was taken."""
    request = answer.request
    if answer.status_code < 400:
        judge.request(
            request.method, str(request.url), headers=request.headers, body=request.content
        )
    judge.response(
        request.method,
        str(request.url),
        answer.status_code,
        headers=answer.headers,
        body=answer.content,
    )


def value_of(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found.group(1)


@dataclass(frozen=True)
class OperatorServed:
    """The simulator on its port, who receives its callbacks, and the judges of its two APIs."""

    url: str
    callbacks: queue.Queue[Callback]
    mtn_judge: Judge
    gsma_judge: Judge | None


@pytest.fixture(scope="session")
def operator_served() -> Iterator[OperatorServed]:
    callbacks: queue.Queue[Callback] = queue.Queue()

    async def receive(request: Request) -> Response:
        callbacks.put(Callback(request.method, dict(request.headers), await request.body()))
        return Response(status_code=204)

    # A socket that names its protocol: asyncio switches Nagle's delay off for such ones only.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{MOUNT}"
    program = build_app(url, CREDENTIALS, merchant="Café Ondine")
    routes = [Route("/receiver", receive, methods=["PUT", "POST"]), Mount(MOUNT, app=program)]
    config = uvicorn.Config(
        Starlette(routes=routes), log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    gsma_judge = judge_if_there("gsma-mm.yaml", f"{url}/gsma/cm.orange")
    yield OperatorServed(url, callbacks, Judge(mtn.specification(), f"{url}/mtn"), gsma_judge)
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def operators(operator_served: OperatorServed) -> Iterator[Operators]:
    served = operator_served
    stage = Operators(served.url, served.callbacks, served.mtn_judge, served.gsma_judge)
    stage.control("reset")
    while not served.callbacks.empty():
        served.callbacks.get_nowait()
    yield stage
    stage.browser.close()
