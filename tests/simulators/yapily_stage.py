"""The simulator as its users see it: an API client, a browser without script, the control API."""

from __future__ import annotations

import json
import queue
import re
import secrets
import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx2

from judge import Judge

CREDENTIALS = ("application", "secret")
# Made once: a client of its own would read the machine's authorities for every test.
_CONTEXT = ssl.create_default_context()
SORT_CODE = [
    {"type": "SORT_CODE", "identification": "123456"},
    {"type": "ACCOUNT_NUMBER", "identification": "12345678"},
]


@dataclass
class Simulator:
    """The simulator as its users see it: the API's client, a browser, the control API."""

    url: str
    notices: queue.Queue[tuple[dict[str, str], bytes]]
    judge: Judge | None
    api: httpx2.Client = field(init=False)
    browser: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = self.client(judged=True)
        self.browser = httpx2.Client(verify=_CONTEXT, trust_env=False, timeout=20)

    def client(self, *, judged: bool = False, timeout: float = 20) -> httpx2.Client:
        hooks = {"response": [self._judge]} if judged and self.judge else {}
        return httpx2.Client(
            base_url=self.url,
            auth=CREDENTIALS,
            trust_env=False,
            verify=_CONTEXT,
            timeout=timeout,
            event_hooks=hooks,
        )

    def _judge(self, answer: httpx2.Response) -> None:
        answer.read()
        if self.judge is not None:
            self.judge.exchange(answer)

    def control(self, name: str, **asked: Any) -> Any:
        answer = self.browser.post(f"{self.url}/_control/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.browser.get(f"{self.url}/_control/state").json()

    def authorise(
        self, amount: str = "12.50", currency: str = "GBP", **changes: Any
    ) -> Authorisation:
        """An authorisation of ``amount``, which goes over the wire digit for digit."""
        payment = {
            "paymentIdempotencyId": secrets.token_hex(16),
            "type": "DOMESTIC_PAYMENT",
            "reference": "Order 10042",
            "amount": {"amount": "AMOUNT", "currency": currency},
            "payee": {"name": "Café Ondine", "accountIdentifications": SORT_CODE},
        }
        asked = {
            "institutionId": "modelo-sandbox",
            "applicationUserId": f"user-{secrets.token_hex(8)}",
            "callback": "https://shop.example/return?order=7",
            "oneTimeToken": True,
            "paymentRequest": payment,
        } | changes
        asked = {name: value for name, value in asked.items() if value is not None}
        body = json.dumps(asked).replace('"AMOUNT"', amount)
        answer = self.api.post(
            "/payment-auth-requests",
            content=body.encode(),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 201, answer.text
        content = json.dumps(asked["paymentRequest"]).replace('"AMOUNT"', amount)
        return Authorisation(self, answer.json()["data"], content, str(asked["applicationUserId"]))


@dataclass
class Authorisation:
    """One consent under way. ``content`` is its payment request as JSON."""

    simulator: Simulator
    data: dict[str, Any]
    content: str
    user: str

    def accept(self, user: str = "mits") -> str:
        """Decides by the control API; answers the consent token."""
        answer = self.simulator.control(
            "decide", consent=self.data["id"], decision="accept", user=user
        )
        return self.token_of(answer["callback"])

    def token_of(self, callback: str) -> str:
        one_time_token = httpx2.URL(callback).params["one-time-token"]
        answer = self.simulator.api.post(
            "/consent-one-time-token", json={"oneTimeToken": one_time_token}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["consentToken"])

    def pay(self, token: str, client: httpx2.Client | None = None) -> httpx2.Response:
        return (client or self.simulator.api).post(
            "/payments",
            content=self.content.encode(),
            headers={"consent": token, "content-type": "application/json"},
        )

    def paid(self, user: str = "mits") -> tuple[dict[str, Any], str]:
        """Accepts and pays; answers the payment and the consent token."""
        token = self.accept(user)
        answer = self.pay(token)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"], token

    def details(self, payment_id: str, token: str) -> dict[str, Any]:
        answer = self.simulator.api.get(
            f"/payments/{payment_id}/details", headers={"consent": token}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]["payments"][0]
        return found

    def log_in(self, user: str = "mits", password: str = "mits") -> httpx2.Response:
        address = self.data["authorisationUrl"]
        return self.simulator.browser.post(
            f"{address}/login", data={"user": user, "password": password}
        )

    def to_review(self, user: str = "mits") -> dict[str, str]:
        """Goes through login and accounts; answers the fields of the review's form."""
        address = self.data["authorisationUrl"]
        self.log_in(user, user)
        page = self.simulator.browser.get(f"{address}/accounts").text
        fields = {"token": value_of(page, "token"), "account": value_of(page, "account")}
        answer = self.simulator.browser.post(f"{address}/accounts", data=fields)
        assert answer.headers["location"].endswith("/review")
        return fields

    def press(self, decision: str, fields: dict[str, str]) -> httpx2.Response:
        return self.simulator.browser.post(
            f"{self.data['authorisationUrl']}/decision", data={**fields, "decision": decision}
        )

    def status(self) -> str:
        answer = self.simulator.api.get(f"/consents/{self.data['id']}")
        return str(answer.json()["data"]["status"])


def value_of(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found.group(1)
