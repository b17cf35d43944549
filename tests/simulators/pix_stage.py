"""The simulated PSP as its users see it: an API client with a certificate, a browser, control."""

from __future__ import annotations

import json
import queue
import secrets
import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2

from guichet.simulators.pix import Certificates
from judge import Judge

CREDENTIALS = ("guichet-simulator", "guichet-simulator-secret")
OTHER = {
    "client_id": "other",
    "client_secret": "other-secret",
    "key": "outra@loja.example",
    "name": "Outra Loja",
    "city": "RECIFE",
    "cnpj": "12ABC34501DE35",
}
KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"
PERIOD = {"inicio": "2020-11-16T00:00:00Z", "fim": "2099-01-01T00:00:00Z"}
TERMS: dict[str, Any] = {
    "calendario": {"expiracao": 3600},
    "devedor": {"cpf": "12345678909", "nome": "Francisco da Silva"},
    "valor": {"original": "37.00"},
    "chave": KEY,
    "solicitacaoPagador": "Pedido 10042",
}


@dataclass(frozen=True)
class Served:
    """Where the session's simulator is, and what its receivers were told."""

    site: str
    api: str
    token: str
    receiver: str
    tls_receiver: str
    certificates: Certificates
    notices: queue.Queue[tuple[dict[str, str], bytes]]

    @cache  # noqa: B019 — there is one for the session
    def context(self, *, certificate: bool = True) -> ssl.SSLContext:
        """What the gateway trusts and, unless told otherwise, its certificate."""
        context = ssl.create_default_context(cafile=self.certificates.authority)
        if certificate:
            gateway = self.certificates.gateway
            context.load_cert_chain(gateway.certificate, gateway.key)
        return context


@dataclass
class Pix:
    """One test's view of the simulator; every call of ``api`` is judged."""

    served: Served
    judge: Judge | None
    api: httpx2.Client = field(init=False)
    browser: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.browser = httpx2.Client(verify=self.served.context(), trust_env=False, timeout=20)
        self.api = self.client(judged=True)

    def close(self) -> None:
        self.api.close()
        self.browser.close()

    def client(
        self,
        credentials: tuple[str, str] = CREDENTIALS,
        *,
        judged: bool = False,
        timeout: float = 20,
        scope: str | None = None,
    ) -> httpx2.Client:
        hooks = {"response": [self._judge]} if judged and self.judge else {}
        client = httpx2.Client(
            base_url=self.served.api,
            verify=self.served.context(),
            trust_env=False,
            timeout=timeout,
            event_hooks=hooks,
        )
        client.headers["authorization"] = f"Bearer {self.token(credentials, scope)}"
        return client

    def token(self, credentials: tuple[str, str] = CREDENTIALS, scope: str | None = None) -> str:
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        with httpx2.Client(verify=self.served.context(), trust_env=False) as client:
            answer = client.post(self.served.token, auth=credentials, data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def _judge(self, answer: httpx2.Response) -> None:
        answer.read()
        if self.judge is not None:
            self.judge.exchange(answer)

    def control(self, name: str, /, **asked: Any) -> Any:
        answer = self.browser.post(f"{self.served.site}/_control/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.browser.get(f"{self.served.site}/_control/state").json()

    def charge(self, **changes: Any) -> dict[str, Any]:
        """A new charge with the usual terms, some changed (None leaves a field out)."""
        terms = {name: each for name, each in (TERMS | changes).items() if each is not None}
        answer = self.api.put(f"/cob/{secrets.token_hex(16)}", json=terms)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def read(self, charge: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.get(f"/cob/{charge['txid']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def paid(self, amount: str = "37.00", **asked: Any) -> dict[str, Any]:
        """A new charge, paid; answers the Pix."""
        charge = self.charge(valor={"original": amount})
        self.control("pay", txid=charge["txid"], **asked)
        found: dict[str, Any] = self.read(charge)["pix"][0]
        return found

    def give_back(
        self, payment: dict[str, Any], amount: str, return_id: str | None = None
    ) -> httpx2.Response:
        return_id = return_id or secrets.token_hex(16)
        path = f"/pix/{payment['endToEndId']}/devolucao/{return_id}"
        return self.api.put(path, json={"valor": amount})

    def listen(self, **settings: Any) -> None:
        """Has the shop's notices come to ``notices``."""
        while not self.served.notices.empty():
            self.served.notices.get_nowait()
        self.control("webhook", url=self.served.receiver, **settings)

    def told(self) -> list[dict[str, Any]]:
        """The next notice: the Pix in it."""
        _, body = self.served.notices.get(timeout=10)
        entries: list[dict[str, Any]] = json.loads(body)["pix"]
        return entries


def problem(answer: httpx2.Response, status: int, kind: str) -> list[dict[str, str]]:
    """Checks an error; answers its violations."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"https://pix.bcb.gov.br/api/v2/error/{kind}"
    assert body["status"] == status
    violations: list[dict[str, str]] = body.get("violacoes", [])
    return violations
