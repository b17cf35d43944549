"""Notices of Pix: who is told, when, how often, and with which certificate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from bacen import CALLBACK
from guichet.simulators.common.faults import Faults
from guichet.simulators.pix.records import Payment, Receiver
from guichet.simulators.pix.webhooks import Webhooks
from simulators.pix_stage import KEY, Pix, problem


def _judged(pix: Pix, body: bytes) -> None:
    if pix.judge is not None:
        headers = {"content-type": "application/json"}
        url = f"{pix.served.api}{CALLBACK}/pix"
        pix.judge.request("POST", url, headers=headers, body=body)


def test_a_paid_charge_is_told_as_the_file_says(pix: Pix) -> None:
    pix.listen()
    payment = pix.paid()
    headers, body = pix.served.notices.get(timeout=10)
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"pix": [payment]}
    _judged(pix, body)


def test_the_path_of_the_address_gets_a_suffix(pix: Pix) -> None:
    pix.listen()
    pix.control("webhook", url=f"{pix.served.receiver}/shop/")
    pix.paid()
    pix.told()
    assert pix.state()["webhook"]["sent"][-1]["url"] == f"{pix.served.receiver}/shop/pix"


@pytest.mark.parametrize(
    ("decision", "status"), [("settle", "DEVOLVIDO"), ("fail", "NAO_REALIZADO")]
)
def test_a_return_is_told_when_it_ends(pix: Pix, decision: str, status: str) -> None:
    pix.control("habits", returns="stay")
    payment = pix.paid()
    pix.listen()
    pix.give_back(payment, "7.00", "r1")
    pix.control("return", endToEndId=payment["endToEndId"], id="r1", decision=decision)
    _, body = pix.served.notices.get(timeout=10)
    _judged(pix, body)
    (told,) = json.loads(body)["pix"]
    assert [each["status"] for each in told["devolucoes"]] == [status]
    assert pix.served.notices.empty()


def test_med_is_told(pix: Pix) -> None:
    payment = pix.paid()
    pix.listen()
    pix.control("med", endToEndId=payment["endToEndId"])
    (told,) = pix.told()
    assert told["devolucoes"][0]["natureza"] == "MED_FRAUDE"


def test_of_a_silent_payer_nothing_is_told_and_of_a_repeating_one_twice(pix: Pix) -> None:
    pix.listen()
    pix.paid(scenario="silent")
    payment = pix.paid(scenario="repeated")
    assert [pix.told(), pix.told()] == [[payment], [payment]]
    assert pix.served.notices.empty()


def test_notices_are_lost_or_repeated_on_demand(pix: Pix) -> None:
    pix.listen()
    pix.control("faults", operation="webhook", kind="drop")
    pix.control("faults", operation="webhook", kind="duplicate", copies=3)
    pix.paid()
    payment = pix.paid()
    assert [pix.told() for _ in range(3)] == [[payment]] * 3
    assert pix.served.notices.empty()


def test_notices_go_in_batches_on_demand(pix: Pix) -> None:
    pix.listen(batch=3)
    payments = [pix.paid() for _ in range(4)]
    assert pix.told() == payments[:3]
    assert pix.state()["webhook"]["waiting"] == 1
    assert pix.control("flush") == {"sent": 1}
    assert pix.told() == payments[3:]


def test_a_pix_without_a_txid_is_told_to_nobody() -> None:
    told: list[Any] = []

    async def http_post(url: str, body: bytes, _headers: Mapping[str, str]) -> int:
        told.append((url, body))
        return 200

    async def tell() -> None:
        webhooks = Webhooks(Faults(), http_post)
        receiver = Receiver("a", "b", "c", "d", "e", "f", webhook_url="http://shop.example")
        for txid in (None, "MESA4"):
            webhooks.tell(Payment(receiver, None, txid, 100, datetime.now(UTC)))
        await asyncio.gather(*webhooks.under_way)

    asyncio.run(tell())
    assert [url for url, _ in told] == ["http://shop.example/pix"]


def test_the_psp_shows_its_own_certificate(pix: Pix) -> None:
    pix.listen()
    pix.control("webhook", url=pix.served.tls_receiver)
    payment = pix.paid()
    assert pix.told() == [payment]


def test_a_receiver_that_does_not_answer_is_in_the_book(pix: Pix) -> None:
    pix.control("webhook", url="http://127.0.0.1:1/nowhere")
    payment = pix.paid()
    for _ in range(500):
        if sent := pix.state()["webhook"]["sent"]:
            break
    assert sent[0]["endToEndIds"] == [payment["endToEndId"]]
    assert (sent[0]["answer"], sent[0]["error"]) == (None, "ConnectError")


# The receiver's own settings ---------------------------------------------------------------------


def _put(pix: Pix, url: object, key: str = KEY) -> httpx2.Response:
    return pix.api.put(f"/webhook/{key}", json={"webhookUrl": url})


def test_the_address_is_set_read_listed_and_taken_back(pix: Pix) -> None:
    url = "https://shop.example/notices"
    assert _put(pix, url).status_code == 200
    found = pix.api.get(f"/webhook/{KEY}").json()
    assert (found["webhookUrl"], found["cnpj"]) == (url, "11222333000181")
    assert pix.api.get("/webhook").json()["webhooks"] == [found]
    assert pix.api.delete(f"/webhook/{KEY}").status_code == 204
    problem(pix.api.get(f"/webhook/{KEY}"), 404, "WebhookNaoEncontrado")
    problem(pix.api.delete(f"/webhook/{KEY}"), 404, "WebhookNaoEncontrado")
    assert pix.api.get("/webhook").json()["webhooks"] == []


def test_an_address_for_somebody_elses_key_is_refused(pix: Pix) -> None:
    answer = _put(pix, "https://shop.example", "outra@loja.example")
    assert problem(answer, 400, "WebhookOperacaoInvalida")[0]["propriedade"] == "chave"


@pytest.mark.parametrize("url", ["ftp://shop.example", "nowhere", "https://", "", None, 7])
def test_an_address_that_is_none_is_refused(pix: Pix, url: object) -> None:
    with pix.client() as client:
        answer = client.put(f"/webhook/{KEY}", json={"webhookUrl": url})
    violations = problem(answer, 400, "WebhookOperacaoInvalida")
    assert [each["propriedade"] for each in violations] == ["webhook.webhookUrl"]
    assert pix.state()["receivers"][0]["webhookUrl"] is None
