"""The judge is alive: it takes the PSP's exchanges and catches one spoilt in each operation.

Banco Central's own file decides, mended as ``bacen`` lists; where it is absent these tests skip
and say so. Each patch is shown to be needed and no more than needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

import bacen
from judge import Judge, Violation, judge_of, specification_of
from simulators.pix_stage import KEY, PERIOD, TERMS, Pix

Exchange = Callable[[Pix, httpx2.Client], httpx2.Response]
_TXID = "a" * 32
_MOMENT = "2026-11-20T16:00:00.123Z"
_PIX = {
    "endToEndId": "E" * 32,
    "txid": _TXID,
    "valor": "37.00",
    "componentesValor": {"original": {"valor": "37.00"}},
    "horario": _MOMENT,
}
_CHARGE = {
    "calendario": {"criacao": _MOMENT, "expiracao": 3600},
    "txid": _TXID,
    "revisao": 0,
    "status": "ATIVA",
    "valor": {"original": "37.00"},
    "chave": KEY,
}


def _paid(pix: Pix) -> str:
    pix.api.put(f"/cob/{_TXID}", json=TERMS)
    pix.control("pay", txid=_TXID)
    return str(pix.state()["payments"][0]["endToEndId"])


def _put_return(pix: Pix, client: httpx2.Client) -> httpx2.Response:
    return client.put(f"/pix/{_paid(pix)}/devolucao/r1", json={"valor": "1.00"})


def _get_return(pix: Pix, client: httpx2.Client) -> httpx2.Response:
    end_to_end_id = _paid(pix)
    client.put(f"/pix/{end_to_end_id}/devolucao/r1", json={"valor": "1.00"})
    return client.get(f"/pix/{end_to_end_id}/devolucao/r1")


def _after_payment(path: str) -> Exchange:
    def exchange(pix: Pix, client: httpx2.Client) -> httpx2.Response:
        params = PERIOD if path in {"/pix", "/cob"} else {}
        return client.get(path.replace("E2EID", _paid(pix)), params=params)

    return exchange


def _webhook(method: str, path: str = f"/webhook/{KEY}") -> Exchange:
    def exchange(_pix: Pix, client: httpx2.Client) -> httpx2.Response:
        client.put(f"/webhook/{KEY}", json={"webhookUrl": "https://shop.example"})
        return client.request(method, path)

    return exchange


def _patch(pix: Pix, client: httpx2.Client) -> httpx2.Response:
    pix.api.put(f"/cob/{_TXID}", json=TERMS)
    return client.patch(f"/cob/{_TXID}", json={"valor": {"original": "38.00"}})


def _set(path: str, value: object) -> Callable[[Any], None]:
    def change(body: Any) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            body = body[int(parent)] if isinstance(body, list) else body[parent]
        body[last] = value

    return change


_WRONG_ANSWERS: dict[str, tuple[Exchange, Callable[[Any], None]]] = {
    "put_cob": (lambda _, client: client.put(f"/cob/{_TXID}", json=TERMS), _set("revisao", "0")),
    "post_cob": (lambda _, client: client.post("/cob", json=TERMS), _set("txid", "short")),
    "get_cob": (_after_payment(f"/cob/{_TXID}"), _set("pix.0.valor", "37")),
    "patch_cob": (_patch, _set("status", "REMOVIDO_PELO_PSP")),
    "list_cob": (_after_payment("/cob"), _set("parametros.paginacao.quantidadeDePaginas", 0)),
    "get_pix": (_after_payment("/pix/E2EID"), _set("endToEndId", "E1")),
    "list_pix": (_after_payment("/pix"), _set("pix.0.horario", "yesterday")),
    "put_devolucao": (_put_return, _set("status", "PENDENTE")),
    "get_devolucao": (_get_return, _set("natureza", "WHIM")),
    "get_webhook": (_webhook("GET"), _set("criacao", "now")),
    "list_webhook": (_webhook("GET", "/webhook"), _set("webhooks.0.cnpj", "1")),
    "an error": (lambda _, client: client.get(f"/cob/{_TXID}"), _set("status", "404")),
    "a refusal": (
        lambda _, client: client.put(f"/cob/{_TXID}", json=TERMS | {"chave": "x"}),
        _set("violacoes.0.reason", "x"),
    ),
}


@pytest.fixture
def judge(pix: Pix) -> Judge:
    return judge_of(bacen.NAME, pix.served.api)


@pytest.mark.parametrize("operation", _WRONG_ANSWERS)
def test_a_true_answer_passes_and_a_spoilt_one_is_caught(
    pix: Pix, judge: Judge, operation: str
) -> None:
    exchange, spoil = _WRONG_ANSWERS[operation]
    with pix.client() as client:
        answer = exchange(pix, client)
    judge.exchange(answer)
    body = answer.json()
    spoil(body)
    with pytest.raises(Violation):
        judge.response(
            answer.request.method,
            str(answer.request.url),
            answer.status_code,
            headers=answer.headers,
            body=json.dumps(body).encode(),
        )


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_answer_without_a_body_is_judged_by_its_status(
    pix: Pix, judge: Judge, method: str
) -> None:
    url = f"{pix.served.api}/webhook/{KEY}"
    with pytest.raises(Violation):
        judge.response(method, url, 202)


_HEADERS = {"authorization": "Bearer token", "content-type": "application/json"}
_RETURN = f"/pix/{'E' * 32}/devolucao/r1"
_QUERY = f"inicio={_MOMENT}&fim={_MOMENT}"
_WRONG_REQUESTS: list[tuple[str, str, object, dict[str, str]]] = [
    ("PUT", f"/cob/{_TXID}", TERMS | {"valor": {"original": 37.0}}, {}),
    ("PUT", f"/cob/{_TXID}", TERMS | {"devedor": {"cpf": "123", "nome": "F"}}, {}),
    ("PUT", f"/cob/{_TXID}", TERMS | {"calendario": {"expiraçao": 1}}, {}),
    ("PUT", f"/cob/{_TXID}", TERMS, {"authorization": ""}),
    ("PUT", f"/cob/{_TXID}", TERMS, {"content-type": "text/plain"}),
    ("PUT", f"/cob/{_TXID}bbbb", TERMS, {}),
    ("POST", "/cob", {"chave": KEY}, {}),
    ("PATCH", f"/cob/{_TXID}", {"status": "REMOVIDO_PELO_USUARIO_RECEBEDOR"}, {}),
    ("GET", f"/cob/{_TXID}?revisao=first", None, {}),
    ("GET", "/cob?inicio=2020", None, {}),
    ("GET", f"/cob?{_QUERY}&cpf=123", None, {}),
    ("GET", "/pix/E1", None, {}),
    ("GET", f"/pix?{_QUERY}&devolucaoPresente=perhaps", None, {}),
    ("GET", f"/pix?{_QUERY}&paginacao.itensPorPagina=0", None, {}),
    ("PUT", _RETURN, {"valor": "1"}, {}),
    ("PUT", _RETURN, {"valor": "1.00", "natureza": "MED_FRAUDE"}, {}),
    ("GET", _RETURN, None, {"authorization": ""}),
    ("PUT", f"/webhook/{KEY}", {"url": "https://shop.example"}, {}),
    ("GET", f"/webhook/{KEY * 3}", None, {}),
    ("DELETE", f"/webhook/{KEY}", None, {"authorization": ""}),
    ("GET", "/webhook?inicio=now", None, {}),
    ("POST", f"{bacen.CALLBACK}/pix", {"pix": [_PIX | {"valor": 37}]}, {}),
    ("POST", f"{bacen.CALLBACK}/pix", {"pixs": []}, {}),
    ("GET", "/nowhere", None, {}),
]


@pytest.mark.parametrize(("method", "path", "body", "headers"), _WRONG_REQUESTS)
def test_a_wrong_request_is_caught(
    pix: Pix, judge: Judge, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    sent = {name: value for name, value in (_HEADERS | headers).items() if value}
    content = b"" if body is None else json.dumps(body).encode()
    with pytest.raises(Violation):
        judge.request(method, pix.served.api + path, headers=sent, body=content)


def test_true_requests_pass(pix: Pix, judge: Judge) -> None:
    for method, path, body in [
        ("PUT", f"/cob/{_TXID}", TERMS),
        ("PATCH", f"/cob/{_TXID}", {"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR"}),
        ("PUT", _RETURN, {"valor": "1.00"}),
        ("PUT", f"/webhook/{KEY}", {"webhookUrl": "https://shop.example"}),
        ("POST", f"{bacen.CALLBACK}/pix", {"pix": [_PIX]}),
    ]:
        content = json.dumps(body).encode()
        judge.request(method, pix.served.api + path, headers=_HEADERS, body=content)


# Patches ----------------------------------------------------------------------------------------

_URL = f"{bacen.HOST}/cob/{_TXID}"
_PARAMETERS = {
    "inicio": _MOMENT,
    "fim": _MOMENT,
    "paginacao": {
        "paginaAtual": 0,
        "itensPorPagina": 1,
        "quantidadeDePaginas": 1,
        "quantidadeTotalDeItens": 1,
    },
}
_LOCATION = "pix.example.com/qr/x"
_LOC = {"id": 1, "txid": _TXID, "location": _LOCATION, "tipoCob": "cob", "criacao": _MOMENT}
_PROBLEM = {"type": "https://pix.bcb.gov.br/api/v2/error/X", "title": "x", "status": 400}


def _asks(
    method: str, url: str, body: object = None, headers: dict[str, str] = _HEADERS
) -> Callable[[Judge], None]:
    content = b"" if body is None else json.dumps(body).encode()
    return lambda judge: judge.request(method, url, headers=headers, body=content)


def _answers(
    method: str, url: str, status: int, body: object, kind: str = "application/json"
) -> Callable[[Judge], None]:
    content = json.dumps(body).encode()
    headers = {"content-type": kind}
    return lambda judge: judge.response(method, url, status, headers=headers, body=content)


def _must_fail(call: Callable[[Judge], None]) -> Callable[[Judge], None]:
    def check(judge: Judge) -> None:
        with pytest.raises(Violation):
            call(judge)

    return check


#: For each patch what holds with it and not without it.
_NEEDS: dict[bacen.Patch, Callable[[Judge], None]] = {
    bacen.slashes_in_patterns: _asks("PUT", _URL, TERMS),
    bacen.open_patterns: _must_fail(_asks("PUT", f"{_URL}bbbb", TERMS)),
    bacen.location_without_its_txid: _answers("PUT", _URL, 201, _CHARGE | {"loc": _LOC}),
    bacen.lists_require_what_they_have_not: _answers(
        "GET",
        f"{bacen.HOST}/pix?{_QUERY}",
        200,
        {"parametros": _PARAMETERS, "pix": [_PIX]},
    ),
    bacen.short_txids: _answers(
        "GET", f"{bacen.HOST}/pix/{'E' * 32}", 200, _PIX | {"txid": "MESA4"}
    ),
    bacen.read_only_yet_sent: _asks("GET", f"{_URL}?revisao=0"),
    bacen.parts_of_a_value: _answers("GET", f"{bacen.HOST}/pix/{'E' * 32}", 200, _PIX),
    bacen.answers_said_in_prose_only: _answers(
        "GET", f"{bacen.HOST}/pix?{_QUERY}", 400, _PROBLEM, "application/problem+json"
    ),
    bacen.tokens_are_bearers: _must_fail(
        _asks("PUT", _URL, TERMS, {"content-type": "application/json"})
    ),
    bacen.one_server: _must_fail(_asks("GET", f"{bacen.HOST}/nowhere")),
    bacen.callback_as_a_path: _asks("POST", f"{bacen.HOST}{bacen.CALLBACK}/pix", {"pix": [_PIX]}),
    bacen.scattered_objects: _answers("PUT", _URL, 201, _CHARGE),
}


def test_every_patch_is_listed_and_shown() -> None:
    # The judge of today reads neither examples, nor defaults, nor the format of URIs.
    unread = {
        bacen.examples_of_another_kind,
        bacen.expiry_default_is_text,
        bacen.locations_are_no_uris,
    }
    assert set(bacen.PATCHES) == set(_NEEDS) | unread


@pytest.mark.parametrize("patch", _NEEDS, ids=lambda patch: patch.__name__)
def test_a_patch_is_needed(patch: bacen.Patch) -> None:
    file = specification_of(bacen.NAME)
    _NEEDS[patch](judge_of(bacen.NAME, bacen.HOST))
    with pytest.raises((Violation, pytest.fail.Exception, UserWarning)):
        _NEEDS[patch](Judge(bacen.patched(file, without=patch), bacen.HOST))


def test_the_file_itself_stays_as_it_was_published() -> None:
    file = specification_of(bacen.NAME)
    before = json.dumps(file)
    bacen.patched(file)
    assert json.dumps(file) == before
