"""Charges over the API, judged call by call by Banco Central's file (see the client in the stage).

A test client is judged as well: what the file forbids is sent by an unjudged one.
"""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from simulators.pix_stage import KEY, OTHER, PERIOD, TERMS, Pix, problem


def test_a_new_charge_is_active_and_has_a_code(pix: Pix) -> None:
    charge = pix.charge()
    assert (charge["status"], charge["revisao"]) == ("ATIVA", 0)
    assert charge["valor"] == {"original": "37.00"}
    assert charge["calendario"]["expiracao"] == 3600
    assert charge["location"].startswith(pix.served.site.removeprefix("http://") + "/qr/")
    assert charge["location"] == charge["loc"]["location"]
    assert charge["location"] in charge["pixCopiaECola"]
    assert pix.read(charge) == charge


def test_money_keeps_its_digits(pix: Pix) -> None:
    assert pix.charge(valor={"original": "0012.50"})["valor"]["original"] == "0012.50"


def test_a_charge_lives_a_day_unless_it_says_otherwise(pix: Pix) -> None:
    assert pix.charge(calendario={})["calendario"]["expiracao"] == 86400


@pytest.mark.parametrize(
    "debtor",
    [
        {"cpf": "12345678909", "nome": "Francisco da Silva"},
        {"cnpj": "12345678000195", "nome": "Empresa"},
        {"cnpj": "12ABC34501DE35", "nome": "Empresa"},
        None,
    ],
)
def test_the_debtor_is_a_person_a_company_or_nobody(
    pix: Pix, debtor: dict[str, str] | None
) -> None:
    assert pix.charge(devedor=debtor).get("devedor") == debtor


_WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no calendar": ({"calendario": None}, "cob.calendario"),
    "no value": ({"valor": None}, "cob.valor"),
    "no amount": ({"valor": {}}, "cob.valor.original"),
    "no key": ({"chave": None}, "cob.chave"),
    "an expiry of nothing": ({"calendario": {"expiracao": 0}}, "cob.calendario.expiracao"),
    "an expiry in words": ({"calendario": {"expiracao": "3600"}}, "cob.calendario.expiracao"),
    "an amount of nothing": ({"valor": {"original": "0.00"}}, "cob.valor.original"),
    "an amount with a comma": ({"valor": {"original": "37,00"}}, "cob.valor.original"),
    "an amount without cents": ({"valor": {"original": "37"}}, "cob.valor.original"),
    "an amount that is a number": ({"valor": {"original": 37.0}}, "cob.valor.original"),
    "eleven digits of money": ({"valor": {"original": "12345678901.00"}}, "cob.valor.original"),
    "a wish for another change": (
        {"valor": {"original": "1.00", "modalidadeAlteracao": 2}},
        "cob.valor.modalidadeAlteracao",
    ),
    "two numbers of a debtor": (
        {"devedor": {"cpf": "12345678909", "cnpj": "12345678000195", "nome": "F"}},
        "cob.devedor",
    ),
    "a debtor by name alone": ({"devedor": {"nome": "F"}}, "cob.devedor"),
    "a debtor without a name": ({"devedor": {"cpf": "12345678909"}}, "cob.devedor"),
    "a short CPF": ({"devedor": {"cpf": "1234567890", "nome": "F"}}, "cob.devedor"),
    "somebody else's key": ({"chave": "outra@loja.example"}, "cob.chave"),
    "a long request to the payer": ({"solicitacaoPagador": "x" * 141}, "cob.solicitacaoPagador"),
    "half an additional line": ({"infoAdicionais": [{"nome": "x"}]}, "cob.infoAdicionais"),
    "a location of nobody": ({"loc": {"id": 4711}}, "cob.loc.id"),
}


@pytest.mark.parametrize("wrong", _WRONG)
def test_a_charge_that_breaks_a_rule_is_refused_by_name(pix: Pix, wrong: str) -> None:
    changes, name = _WRONG[wrong]
    terms = {key: value for key, value in (TERMS | changes).items() if value is not None}
    with pix.client() as client:
        answer = client.put(f"/cob/{secrets.token_hex(16)}", json=terms)
    violations = problem(answer, 400, "CobOperacaoInvalida")
    assert [each["propriedade"] for each in violations] == [name]
    assert pix.state()["charges"] == []


def test_every_broken_rule_is_named_at_once(pix: Pix) -> None:
    with pix.client() as client:
        answer = client.put("/cob/short", json={})
        assert problem(answer, 400, "CobOperacaoInvalida")[0]["propriedade"] == "cob.txid"
        answer = client.put(f"/cob/{secrets.token_hex(16)}", json={"devedor": {}})
    names = [each["propriedade"] for each in problem(answer, 400, "CobOperacaoInvalida")]
    assert names == ["cob.calendario", "cob.valor", "cob.chave", "cob.devedor"]


def test_a_body_that_is_no_json_is_refused(pix: Pix) -> None:
    with pix.client() as client:
        answer = client.put(f"/cob/{secrets.token_hex(16)}", content=b"{")
        problem(answer, 400, "RequisicaoInvalida")
        problem(
            client.put(f"/cob/{secrets.token_hex(16)}", content=b"[]"), 400, "RequisicaoInvalida"
        )


def test_withdrawals_are_not_in_the_contract(pix: Pix) -> None:
    value = {
        "original": "0.00",
        "retirada": {
            "saque": {
                "valor": "5.00",
                "modalidadeAgente": "AGPSS",
                "prestadorDoServicoDeSaque": "12345678",
            }
        },
    }
    with pix.client() as client:
        answer = client.put(f"/cob/{secrets.token_hex(16)}", json=TERMS | {"valor": value})
    problem(answer, 403, "AcessoNegado")


# Repeated and revised ---------------------------------------------------------------------------


def test_the_same_put_again_changes_nothing(pix: Pix) -> None:
    charge = pix.charge()
    again = pix.api.put(f"/cob/{charge['txid']}", json=TERMS)
    assert (again.status_code, again.json()) == (201, charge)
    assert len(pix.state()["charges"]) == 1


def test_another_put_revises_an_active_charge(pix: Pix) -> None:
    charge = pix.charge()
    changed = TERMS | {"valor": {"original": "38.00"}}
    answer = pix.api.put(f"/cob/{charge['txid']}", json=changed).json()
    assert (answer["revisao"], answer["valor"]["original"]) == (1, "38.00")
    assert answer["location"] == charge["location"]


def test_a_put_may_name_the_charges_own_location(pix: Pix) -> None:
    charge, other = pix.charge(), pix.charge()
    with pix.client() as client:
        address = f"/cob/{charge['txid']}"
        assert client.put(address, json=TERMS | {"loc": {"id": charge["loc"]["id"]}}).is_success
        answer = client.put(address, json=TERMS | {"loc": {"id": other["loc"]["id"]}})
    reason = problem(answer, 400, "CobOperacaoInvalida")[0]["razao"]
    assert "já está sendo utilizado" in reason


def test_a_put_does_not_change_a_paid_charge_but_may_repeat_it(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("pay", txid=charge["txid"])
    address = f"/cob/{charge['txid']}"
    assert pix.api.put(address, json=TERMS).json()["status"] == "CONCLUIDA"
    answer = pix.api.put(address, json=TERMS | {"valor": {"original": "38.00"}})
    assert problem(answer, 400, "CobOperacaoInvalida")[0]["propriedade"] == "cob.status"
    assert pix.read(charge)["valor"]["original"] == "37.00"


def test_some_psps_take_a_txid_once(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("habits", repeated_txid="refuse")
    answer = pix.api.put(f"/cob/{charge['txid']}", json=TERMS)
    assert problem(answer, 400, "CobOperacaoInvalida")[0]["propriedade"] == "cob.txid"


def test_some_psps_leave_the_code_to_the_shop(pix: Pix) -> None:
    pix.control("habits", copy_and_paste=False)
    assert "pixCopiaECola" not in pix.charge()


def test_a_patch_changes_what_it_names_and_counts(pix: Pix) -> None:
    charge = pix.charge()
    address = f"/cob/{charge['txid']}"
    answer = pix.api.patch(address, json={"valor": {"original": "12.00"}})
    assert answer.status_code == 200
    assert (answer.json()["revisao"], answer.json()["valor"]) == (1, {"original": "12.00"})
    assert answer.json()["devedor"] == TERMS["devedor"]
    assert pix.api.patch(address, json={"valor": {"original": "12.00"}}).json()["revisao"] == 1


def test_old_revisions_can_be_read(pix: Pix) -> None:
    charge = pix.charge()
    address = f"/cob/{charge['txid']}"
    pix.api.patch(address, json={"valor": {"original": "12.00"}})
    amounts = [
        pix.api.get(address, params={"revisao": number}).json()["valor"]["original"]
        for number in (0, 1)
    ]
    assert amounts == ["37.00", "12.00"]
    problem(pix.api.get(address, params={"revisao": 2}), 400, "CobConsultaInvalida")


def test_a_charge_is_removed_by_its_receiver(pix: Pix) -> None:
    charge = pix.charge()
    removal = {"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR"}
    answer = pix.api.patch(f"/cob/{charge['txid']}", json=removal).json()
    assert (answer["status"], answer["revisao"]) == ("REMOVIDA_PELO_USUARIO_RECEBEDOR", 1)
    again = pix.api.patch(f"/cob/{charge['txid']}", json=removal)
    problem(again, 400, "CobOperacaoInvalida")


@pytest.mark.parametrize(
    "body",
    [
        {"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR", "valor": {"original": "1.00"}},
        {"status": "REMOVIDA_PELO_PSP"},
        {"valor": {"original": "1"}},
    ],
)
def test_a_wrong_patch_changes_nothing(pix: Pix, body: dict[str, Any]) -> None:
    charge = pix.charge()
    with pix.client() as client:
        problem(client.patch(f"/cob/{charge['txid']}", json=body), 400, "CobOperacaoInvalida")
    assert pix.read(charge) == charge


def test_the_psp_chooses_the_txid_when_asked(pix: Pix) -> None:
    answer = pix.api.post("/cob", json=TERMS)
    assert answer.status_code == 201
    assert pix.read(answer.json()) == answer.json()


def test_a_charge_that_is_not_there_is_not_found(pix: Pix) -> None:
    address = f"/cob/{secrets.token_hex(16)}"
    problem(pix.api.get(address), 404, "CobNaoEncontrado")
    problem(pix.api.patch(address, json={"solicitacaoPagador": "x"}), 404, "CobNaoEncontrado")
    with pix.client() as client:
        problem(client.get("/nowhere"), 404, "NaoEncontrado")


def test_charges_belong_to_their_client(pix: Pix) -> None:
    pix.control("receivers", **OTHER)
    charge = pix.charge()
    with pix.client(("other", "other-secret"), judged=True) as other:
        problem(other.get(f"/cob/{charge['txid']}"), 404, "CobNaoEncontrado")
        mine = other.put(f"/cob/{charge['txid']}", json=TERMS | {"chave": OTHER["key"]})
        assert mine.status_code == 201
        refused = other.put(f"/cob/{secrets.token_hex(16)}", json=TERMS)
        assert problem(refused, 400, "CobOperacaoInvalida")[0]["valor"] == KEY
    assert pix.read(charge)["chave"] == KEY


# Lists ------------------------------------------------------------------------------------------


def test_charges_are_listed_by_page_oldest_first(pix: Pix) -> None:
    charges = [pix.charge() for _ in range(5)]
    params: dict[str, Any] = PERIOD | {"paginacao.itensPorPagina": 2}
    pages = [
        pix.api.get("/cob", params=params | {"paginacao.paginaAtual": page}).json()
        for page in range(4)
    ]
    txids = [each["txid"] for page in pages for each in page["cobs"]]
    assert txids == [each["txid"] for each in charges]
    assert pages[3]["cobs"] == []
    assert pages[0]["parametros"]["paginacao"] == {
        "paginaAtual": 0,
        "itensPorPagina": 2,
        "quantidadeDePaginas": 3,
        "quantidadeTotalDeItens": 5,
    }


def test_charges_are_listed_by_debtor_status_and_time(pix: Pix) -> None:
    company = {"cnpj": "12345678000195", "nome": "Empresa"}
    person, firm = pix.charge(), pix.charge(devedor=company)
    pix.control("pay", txid=firm["txid"])

    def listed(**filters: Any) -> list[str]:
        answer = pix.api.get("/cob", params=PERIOD | filters)
        return [each["txid"] for each in answer.json()["cobs"]]

    both = [person["txid"], firm["txid"]]
    assert listed() == both
    assert listed(cpf="12345678909") == both[:1]
    assert listed(cnpj="12345678000195") == both[1:]
    assert listed(status="CONCLUIDA") == both[1:]
    assert listed(locationPresente="false") == []
    assert listed(fim="2020-12-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"inicio": "yesterday"}, "inicio"),
        ({"inicio": "2020-01-01"}, "inicio"),
        ({"inicio": "2020-01-01T00:00:00"}, "inicio"),
        ({"inicio": "0001-01-01T00:00:00+10:00"}, "inicio"),
        ({"inicio": "2099-06-01T00:00:00Z"}, "fim"),
        ({"cpf": "12345678909", "cnpj": "12345678000195"}, "cpf"),
        ({"paginacao.paginaAtual": "-1"}, "paginacao.paginaAtual"),
        ({"paginacao.itensPorPagina": "0"}, "paginacao.itensPorPagina"),
        ({"paginacao.itensPorPagina": "1001"}, "paginacao.itensPorPagina"),
    ],
)
def test_a_wrong_parameter_of_a_list_is_named(pix: Pix, params: dict[str, str], name: str) -> None:
    with pix.client() as client:
        for path, kind in [("/cob", "CobConsultaInvalida"), ("/pix", "PixConsultaInvalida")]:
            answer = client.get(path, params=PERIOD | params)
            assert [each["propriedade"] for each in problem(answer, 400, kind)] == [name]


def test_a_list_needs_its_period(pix: Pix) -> None:
    with pix.client() as client:
        violations = problem(client.get("/cob"), 400, "CobConsultaInvalida")
    assert [each["propriedade"] for each in violations] == ["inicio", "fim"]
