"""Pix received, what goes back by our wish (devoluções) and against it (MED)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from simulators.pix_stage import OTHER, PERIOD, Pix, problem

_DAY = 86400


def _path(payment: dict[str, Any], return_id: str) -> str:
    return f"/pix/{payment['endToEndId']}/devolucao/{return_id}"


def _listed(pix: Pix, **filters: Any) -> list[str]:
    answer = pix.api.get("/pix", params=PERIOD | filters)
    assert answer.status_code == 200, answer.text
    return [each["endToEndId"] for each in answer.json()["pix"]]


def test_a_pix_is_read_by_its_id(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("pay", txid=charge["txid"], information="obrigado")
    payment = pix.read(charge)["pix"][0]
    assert pix.api.get(f"/pix/{payment['endToEndId']}").json() == payment
    assert payment["valor"] == "37.00"
    assert payment["txid"] == charge["txid"]
    assert payment["chave"] == charge["chave"]
    assert payment["infoPagador"] == "obrigado"


def test_an_unknown_pix_is_not_found(pix: Pix) -> None:
    address = f"/pix/E{secrets.token_hex(16)[1:]}"
    problem(pix.api.get(address), 404, "PixNaoEncontrado")
    problem(pix.api.put(f"{address}/devolucao/a", json={"valor": "1.00"}), 404, "PixNaoEncontrado")
    problem(pix.api.get(f"{address}/devolucao/a"), 404, "PixDevolucaoNaoEncontrada")


def test_received_pix_are_listed_by_what_is_asked(pix: Pix) -> None:
    one, two = pix.paid(), pix.paid(cpf="11144477735")
    pix.give_back(two, "1.00")
    both = [one["endToEndId"], two["endToEndId"]]
    assert _listed(pix) == both
    assert _listed(pix, txid=two["txid"]) == both[1:]
    assert _listed(pix, devolucaoPresente="true") == both[1:]
    assert _listed(pix, devolucaoPresente="false") == both[:1]
    assert _listed(pix, cpf="11144477735") == both[1:]
    assert _listed(pix, txIdPresente="true") == both
    assert _listed(pix, txIdPresente="false") == []
    assert _listed(pix, **{"paginacao.itensPorPagina": 1, "paginacao.paginaAtual": 1}) == both[1:]


def test_an_empty_list_has_one_page(pix: Pix) -> None:
    pagination = pix.api.get("/pix", params=PERIOD).json()["parametros"]["paginacao"]
    assert (pagination["quantidadeDePaginas"], pagination["quantidadeTotalDeItens"]) == (1, 0)


def test_other_receivers_money_is_not_seen(pix: Pix) -> None:
    pix.control("receivers", **OTHER)
    payment = pix.paid()
    with pix.client(("other", "other-secret"), judged=True) as other:
        assert other.get("/pix", params=PERIOD).json()["pix"] == []
        problem(other.get(f"/pix/{payment['endToEndId']}"), 404, "PixNaoEncontrado")
        answer = other.put(_path(payment, "a"), json={"valor": "1.00"})
        problem(answer, 404, "PixNaoEncontrado")


# Returns ----------------------------------------------------------------------------------------


def test_a_return_goes_from_under_way_to_done(pix: Pix) -> None:
    pix.control("habits", returns="stay")
    payment = pix.paid()
    answer = pix.give_back(payment, "7.01", "r1")
    assert answer.status_code == 201
    assert answer.json()["status"] == "EM_PROCESSAMENTO"
    assert answer.json()["natureza"] == "ORIGINAL"
    assert "liquidacao" not in answer.json()["horario"]
    pix.control("return", endToEndId=payment["endToEndId"], id="r1", decision="settle")
    found = pix.api.get(_path(payment, "r1")).json()
    assert found["status"] == "DEVOLVIDO"
    assert found["horario"]["liquidacao"]
    assert found["rtrId"] == answer.json()["rtrId"]


def test_a_return_settles_by_itself(pix: Pix) -> None:
    payment = pix.paid()
    pix.give_back(payment, "37.00", "all")
    assert pix.api.get(_path(payment, "all")).json()["status"] == "DEVOLVIDO"


def test_a_return_can_fail_and_frees_its_amount(pix: Pix) -> None:
    payment = pix.paid(scenario="return-refused")
    pix.give_back(payment, "37.00", "r1")
    found = pix.api.get(_path(payment, "r1")).json()
    assert found["status"] == "NAO_REALIZADO"
    assert found["motivo"].startswith("AC06")
    assert pix.give_back(payment, "37.00", "r2").status_code == 201


def test_returns_add_up_to_the_payment_and_no_further(pix: Pix) -> None:
    payment = pix.paid("37.00")
    for amount in ("10.00", "26.99"):
        assert pix.give_back(payment, amount).status_code == 201
    violations = problem(pix.give_back(payment, "0.02"), 400, "PixDevolucaoInvalida")
    assert [each["propriedade"] for each in violations] == ["devolucao.valor"]
    assert pix.give_back(payment, "0.01").status_code == 201
    assert pix.state()["payments"][0]["returned"] == "37.00"


@pytest.mark.parametrize("scenario", ["exact", "return-refused"])
def test_a_return_id_is_used_once_also_after_a_failure(pix: Pix, scenario: str) -> None:
    payment = pix.paid(scenario=scenario)
    assert pix.give_back(payment, "1.00", "same").status_code == 201
    violations = problem(pix.give_back(payment, "1.00", "same"), 400, "PixDevolucaoInvalida")
    assert [each["propriedade"] for each in violations] == ["devolucao.id"]
    assert len(pix.state()["payments"][0]["returns"]) == 1


def test_a_return_id_may_be_used_for_another_payment(pix: Pix) -> None:
    for payment in (pix.paid(), pix.paid()):
        assert pix.give_back(payment, "1.00", "same").status_code == 201


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"valor": "0.00"}, "devolucao.valor"),
        ({"valor": "1"}, "devolucao.valor"),
        ({"valor": 1}, "devolucao.valor"),
        ({}, "devolucao.valor"),
        ({"valor": "1.00", "natureza": "RETIRADA"}, "devolucao.natureza"),
        ({"valor": "1.00", "descricao": "x" * 141}, "devolucao.descricao"),
    ],
)
def test_a_wrong_return_is_refused_by_name(pix: Pix, body: dict[str, Any], name: str) -> None:
    payment = pix.paid()
    with pix.client() as client:
        answer = client.put(_path(payment, "r1"), json=body)
        violations = problem(answer, 400, "PixDevolucaoInvalida")
        assert [each["propriedade"] for each in violations] == [name]
        answer = client.put(_path(payment, "not-letters"), json={"valor": "1.00"})
        assert problem(answer, 400, "PixDevolucaoInvalida")[0]["propriedade"] == "devolucao.id"
    assert pix.state()["payments"][0]["returns"] == []


def test_money_goes_back_within_ninety_days(pix: Pix) -> None:
    payment = pix.paid()
    pix.control("clock", advance_seconds=90 * _DAY - 60)
    pix.api.headers["authorization"] = f"Bearer {pix.token()}"
    assert pix.give_back(payment, "1.00").status_code == 201
    pix.control("clock", advance_seconds=120)
    violations = problem(pix.give_back(payment, "1.00"), 400, "PixDevolucaoInvalida")
    assert "90 dias" in violations[0]["razao"]


def test_what_the_payer_is_told_about_a_return_is_kept(pix: Pix) -> None:
    payment = pix.paid()
    pix.api.put(_path(payment, "r1"), json={"valor": "1.00", "descricao": "Sobra"})
    assert pix.api.get(_path(payment, "r1")).json()["descricao"] == "Sobra"


# MED --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "nature"), [("fraud", "MED_FRAUDE"), ("operational", "MED_OPERACIONAL")]
)
def test_med_takes_money_back_without_asking(pix: Pix, kind: str, nature: str) -> None:
    payment = pix.paid()
    pix.control("med", endToEndId=payment["endToEndId"], kind=kind)
    found = pix.api.get(f"/pix/{payment['endToEndId']}").json()["devolucoes"][0]
    assert (found["natureza"], found["status"], found["valor"]) == (nature, "DEVOLVIDO", "37.00")
    assert pix.api.get(_path(payment, found["id"])).json() == found
    assert _listed(pix, devolucaoPresente="true") == [payment["endToEndId"]]


def test_med_takes_part_and_what_was_left(pix: Pix) -> None:
    payment = pix.paid("37.00")
    pix.give_back(payment, "7.00")
    pix.control("med", txid=payment["txid"], amount="10.00")
    pix.control("med", txid=payment["txid"])
    found = pix.api.get(f"/pix/{payment['endToEndId']}").json()["devolucoes"]
    assert [each["valor"] for each in found] == ["7.00", "10.00", "20.00"]
    problem(pix.give_back(payment, "0.01"), 400, "PixDevolucaoInvalida")


def test_payers_of_a_scenario_claim_by_themselves(pix: Pix) -> None:
    payment = pix.paid(scenario="med-fraud")
    assert "devolucoes" not in payment
    pix.control("clock", advance_seconds=6)
    found = pix.api.get(f"/pix/{payment['endToEndId']}").json()["devolucoes"]
    assert [each["natureza"] for each in found] == ["MED_FRAUDE"]
