"""Every request of the connector is one that Banco Central's own file allows."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from guichet.domain.money import Money
from guichet.domain.orders import Payer
from guichet.domain.outcomes import Refused, Waiting
from judge import Judge, Violation
from rails.pix.stage import PAYEE, PIX_KEY, SECRET, Stage, asked, paid, refund_of
from rails.stage import Sent


async def every_operation(stage: Stage) -> list[Sent]:
    """Has the connector make each kind of request it knows; those that the file is about."""
    await stage.rail.register_webhook(stage.account, "https://shop.example/notices")
    await stage.rail.check(stage.account)  # GET /pix, GET /webhook/{chave}
    order = await paid(stage)  # PUT and GET /cob/{txid}
    await asked(stage, refund_of(order), times=2)
    other = stage.order()
    await stage.rail.begin(other)
    await stage.rail.cancel(other)
    now = stage.clock.now()
    await stage.rail.movements(stage.account, now - timedelta(hours=1), now)
    return [sent for sent in stage.client.sent if sent.url.startswith(stage.psp.api)]


def operation(stage: Stage, sent: Sent) -> str:
    parts = urlsplit(sent.url.removeprefix(stage.psp.api)).path.strip("/").split("/")
    shape = [part if index % 2 == 0 else "{id}" for index, part in enumerate(parts)]
    return f"{sent.method} /{'/'.join(shape)}"


def with_body(**changes: Any) -> Callable[[Sent], Sent]:
    def changed(sent: Sent) -> Sent:
        body = msgspec.json.decode(sent.body)
        return replace(sent, body=msgspec.json.encode(body | changes))

    return changed


def with_url(old: str, new: str) -> Callable[[Sent], Sent]:
    def changed(sent: Sent) -> Sent:
        assert old in sent.url
        return replace(sent, url=sent.url.replace(old, new))

    return changed


def with_last_part(part: str) -> Callable[[Sent], Sent]:
    return lambda sent: replace(sent, url=sent.url.rpartition("/")[0] + "/" + part)


def without_token(sent: Sent) -> Sent:
    kept = {name: text for name, text in sent.headers.items() if name != "authorization"}
    return replace(sent, headers=kept)


WRONG: dict[str, list[Callable[[Sent], Sent]]] = {
    "PUT /cob/{id}": [
        with_body(valor={"original": "122.4"}),
        with_body(valor={"original": 122.44}),
        with_body(devedor={"nome": "Maria", "cpf": "063.727.713-90"}),
        with_body(calendario={"expiracao": "900"}),
        with_body(solicitacaoPagador="x" * 141),
        with_body(referencia="misspelt"),
        with_last_part("short"),
    ],
    "GET /cob/{id}": [with_last_part("short"), without_token],
    "PATCH /cob/{id}": [with_body(status="REMOVIDO_PELO_USUARIO_RECEBEDOR")],
    "GET /pix": [with_url("inicio=", "desde="), with_url("paginaAtual=0", "paginaAtual=-1")],
    "GET /pix/{id}/devolucao/{id}": [with_last_part("x" * 36)],
    "PUT /pix/{id}/devolucao/{id}": [with_body(valor="1"), with_body(natureza="MED_FRAUDE")],
    "GET /webhook/{id}": [with_last_part("x" * 78)],
    "PUT /webhook/{id}": [with_body(webhookUrl=None)],
}


async def test_each_operation_is_as_the_file_says_and_wrong_ones_are_caught(
    stage: Stage, judge: Judge
) -> None:
    right = {operation(stage, sent): sent for sent in await every_operation(stage)}
    assert set(right) == set(WRONG)
    for name, spoils in WRONG.items():
        for spoil in spoils:
            wrong = spoil(right[name])
            with pytest.raises(Violation):
                judge.request(wrong.method, wrong.url, headers=wrong.headers, body=wrong.body)


async def test_the_charge_says_who_pays_what_to_whom(stage: Stage) -> None:
    await stage.rail.begin(stage.order())
    (put,) = [sent for sent in stage.client.sent if sent.method == "PUT"]
    body = msgspec.json.decode(put.body)
    assert 890 <= body.pop("calendario").pop("expiracao") <= 901
    assert body == {
        "valor": {"original": "122.44"},
        "chave": PIX_KEY,
        "devedor": {"nome": "Maria Souza", "cpf": "06372771390"},
        "solicitacaoPagador": "Pedido 42",
    }


@pytest.mark.parametrize(
    ("changes", "debtor"),
    [
        (
            {"payer": Payer("Loja", "12.ABC.345/01DE-35")},
            {"nome": "Loja", "cnpj": "12ABC34501DE35"},
        ),
        ({"payer": Payer("Loja", "12abc34501de35")}, {"nome": "Loja", "cnpj": "12ABC34501DE35"}),
        ({"payer": Payer("x" * 300, "06372771390")}, {"nome": "x" * 200, "cpf": "06372771390"}),
        ({"payer": Payer(None, "06372771390")}, None),
        ({"payer": Payer("  ", "06372771390")}, None),
        ({"payer": Payer("Maria", "123")}, None),
        ({"payer": Payer("Maria", None)}, None),
        ({"payer": Payer("Maria", "٠٦٣٧٢٧٧١٣٩٠")}, None),
        ({"payer": Payer()}, None),
        ({"reference": "Café № 12 — « à »\n\x00" + "é" * 200}, {}),
        ({"reference": ""}, {}),
        ({"reference": "\ud800"}, {}),
        ({"money": Money(999_999_999_999, "BRL")}, {}),
        ({"payee": replace(PAYEE, name="中文")}, {}),
    ],
)
async def test_odd_orders_are_as_the_file_says(
    stage: Stage, changes: dict[str, Any], debtor: dict[str, str] | None
) -> None:
    await stage.control("habits", copy_and_paste=False)
    assert isinstance(await stage.rail.begin(stage.order(**changes)), Waiting)
    body = msgspec.json.decode(stage.client.sent[-1].body)
    if debtor != {}:
        assert body.get("devedor") == debtor


@pytest.mark.parametrize("money", [Money(10**12, "BRL"), Money(10**10, "JPY"), Money(0, "BRL")])
async def test_what_the_wire_cannot_say_is_refused_here(stage: Stage, money: Money) -> None:
    outcome = await stage.rail.begin(stage.order(money=money))
    assert isinstance(outcome, Refused)
    assert outcome.code == "AM02"
    assert stage.client.sent == []


async def test_a_currency_with_more_decimals_is_refused_here(stage: Stage) -> None:
    outcome = await stage.rail.begin(stage.order(money=Money(1000, "KWD")))
    assert isinstance(outcome, Refused)
    assert outcome.code == "AM03"


async def test_the_token_is_asked_for_as_oauth_says(stage: Stage) -> None:
    await stage.rail.begin(stage.order())
    sent = stage.client.sent[0]
    assert sent.url == stage.psp.settings["token_url"]
    assert parse_qs(sent.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["cob.read cob.write pix.read pix.write webhook.read webhook.write"],
    }
    kind, _, pair = sent.headers["authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(pair).decode() == f"guichet-simulator:{SECRET}"


async def test_no_secret_is_in_an_address_or_a_body(stage: Stage) -> None:
    await every_operation(stage)
    tokens = {sent.headers["authorization"].split()[1] for sent in stage.client.sent}
    assert len(tokens) == 2  # the client's own, and the one token for everything
    for secret in (SECRET, *tokens):
        assert not any(secret in sent.url for sent in stage.client.sent)
        assert not any(secret.encode() in sent.body for sent in stage.client.sent)
