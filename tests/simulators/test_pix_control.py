"""The control API of the simulated PSP: payments, faults, time, and the look into the book."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from guichet.simulators.pix.payers import BY_CPF, OUTCOMES
from guichet.simulators.pix.reasons import REASONS
from simulators.pix_stage import OTHER, PERIOD, TERMS, Pix, problem

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "simulators.md"


def _refused(pix: Pix, name: str, /, **asked: Any) -> tuple[int, str]:
    answer = pix.browser.post(f"{pix.served.site}/_control/{name}", json=asked)
    return answer.status_code, answer.json()["error"]


def _amounts(pix: Pix) -> list[str]:
    return [each["amount"] for each in pix.state()["payments"]]


def test_a_charge_is_paid_by_txid_or_by_code(pix: Pix) -> None:
    one, two = pix.charge(), pix.charge()
    paid = pix.control("pay", txid=one["txid"])
    assert paid["payments"][0]["amount"] == "37.00"
    assert paid["rejected"] is None
    pix.control("pay", code=two["pixCopiaECola"])
    assert [each["status"] for each in pix.state()["charges"]] == ["CONCLUIDA"] * 2


@pytest.mark.parametrize(
    ("asked", "amounts"),
    [
        ({"scenario": "less"}, ["33.30"]),
        ({"scenario": "MORE"}, ["40.70"]),
        ({"scenario": "twice"}, ["37.00", "37.00"]),
        ({"times": 3}, ["37.00"] * 3),
        ({"amount": "0.01"}, ["0.01"]),
    ],
)
def test_a_payer_pays_otherwise_than_asked(
    pix: Pix, asked: dict[str, Any], amounts: list[str]
) -> None:
    charge = pix.charge()
    pix.control("pay", txid=charge["txid"], **asked)
    assert _amounts(pix) == amounts
    assert [each["valor"] for each in pix.read(charge)["pix"]] == amounts


@pytest.mark.parametrize("code", ["AC06", "ab09"])
def test_a_rejected_payment_reaches_nobody(pix: Pix, code: str) -> None:
    charge = pix.charge()
    answer = pix.control("pay", txid=charge["txid"], fail=code)
    assert answer["rejected"]["code"] == code.upper()
    assert answer["payments"] == _amounts(pix) == []
    assert pix.read(charge)["status"] == "ATIVA"


def test_an_expired_charge_is_paid_late_only(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("clock", advance_seconds=3600)
    assert _refused(pix, "pay", txid=charge["txid"]) == (409, "the charge has expired")
    pix.control("pay", txid=charge["txid"], late=True)
    assert pix.state()["charges"][0]["status"] == "CONCLUIDA"


def test_a_removed_charge_keeps_its_status_when_money_comes_late(pix: Pix) -> None:
    charge = pix.charge()
    pix.api.patch(f"/cob/{charge['txid']}", json={"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR"})
    why = "the charge is REMOVIDA_PELO_USUARIO_RECEBEDOR"
    assert _refused(pix, "pay", txid=charge["txid"]) == (409, why)
    pix.control("pay", txid=charge["txid"], late=True)
    found = pix.read(charge)
    assert found["status"] == "REMOVIDA_PELO_USUARIO_RECEBEDOR"
    assert found["pix"][0]["valor"] == "37.00"


def test_a_paid_charge_is_paid_again_late_only(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("pay", txid=charge["txid"])
    assert _refused(pix, "pay", txid=charge["txid"]) == (409, "the charge is CONCLUIDA")
    pix.control("pay", txid=charge["txid"], late=True)
    assert _amounts(pix) == ["37.00", "37.00"]


def test_the_psp_removes_a_charge(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("remove", txid=charge["txid"])
    assert pix.read(charge)["status"] == "REMOVIDA_PELO_PSP"
    assert _refused(pix, "remove", txid=charge["txid"])[0] == 409


def test_a_test_payer_pays_by_itself(pix: Pix) -> None:
    cpf = next(cpf for cpf, scenario in BY_CPF.items() if scenario.name == "less")
    charge = pix.charge(devedor={"cpf": cpf, "nome": "Teste"})
    assert _amounts(pix) == []
    pix.control("clock", advance_seconds=3)
    assert _amounts(pix) == ["33.30"]
    assert pix.read(charge)["status"] == "CONCLUIDA"
    assert pix.state()["payments"][0]["payer"] == "Teste"


def test_a_test_payer_pays_in_real_time_too(pix: Pix) -> None:
    cpf = next(iter(BY_CPF))
    pix.charge(devedor={"cpf": cpf, "nome": "Teste"})
    pix.control("clock", advance_seconds=1.9)
    for _ in range(1000):
        if _amounts(pix):
            break
    assert _amounts(pix) == ["37.00"]


def test_a_test_payer_does_not_pay_what_is_gone(pix: Pix) -> None:
    charge = pix.charge(devedor={"cpf": next(iter(BY_CPF)), "nome": "Teste"})
    pix.control("remove", txid=charge["txid"])
    pix.control("clock", advance_seconds=3)
    assert _amounts(pix) == []


def _has_check_digits(cpf: str) -> bool:
    digits = [int(each) for each in cpf]
    for length in (9, 10):
        weights = range(length + 1, 1, -1)
        total = sum(digit * weight for digit, weight in zip(digits, weights, strict=False))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return len(digits) == 11


def test_the_test_payers_have_valid_numbers_of_their_own() -> None:
    assert len(BY_CPF) == len(OUTCOMES)
    assert all(map(_has_check_digits, BY_CPF))


def test_an_impossible_decision_is_a_conflict(pix: Pix) -> None:
    payment = pix.paid()
    pix.give_back(payment, "1.00", "r1")
    name = {"endToEndId": payment["endToEndId"]}
    asked = name | {"id": "r1", "decision": "fail"}
    assert _refused(pix, "return", **asked) == (409, "the return is DEVOLVIDO")
    assert _refused(pix, "med", **name, amount="36.01")[0] == 409
    pix.control("med", **name)
    assert _refused(pix, "med", **name)[0] == 409


@pytest.mark.parametrize(
    ("status", "name", "asked"),
    [
        (400, "pay", {}),
        (404, "pay", {"txid": "nowhere"}),
        (422, "pay", {"code": "nonsense"}),
        (422, "pay", {"txid": "x", "scenario": "dance"}),
        (422, "pay", {"txid": "x", "fail": "XX99"}),
        (422, "pay", {"txid": "x", "amount": "1"}),
        (422, "pay", {"txid": "x", "amount": "0.00"}),
        (422, "pay", {"txid": "x", "bank": "nowhere"}),
        (422, "pay", {"txid": "x", "times": 0}),
        (422, "pay", {"txid": "x", "late": "yes"}),
        (404, "return", {"endToEndId": "x", "id": "y", "decision": "settle"}),
        (404, "med", {"endToEndId": "x"}),
        (404, "remove", {"txid": "x"}),
        (422, "faults", {"operation": "fly", "kind": "drop"}),
        (422, "faults", {"operation": "put_cob", "kind": "explode"}),
        (422, "faults", {"operation": "put_cob", "kind": "drop", "when": []}),
        (422, "clock", {}),
        (422, "webhook", {"url": "ftp://nowhere"}),
        (422, "webhook", {"batch": 0}),
        (404, "webhook", {"url": None, "key": "nowhere"}),
        (422, "habits", {"returns": "perhaps"}),
        (422, "habits", {"smoking": True}),
        (400, "receivers", {"client_id": "x"}),
    ],
)
def test_a_wrong_command_is_refused(
    pix: Pix, status: int, name: str, asked: dict[str, Any]
) -> None:
    assert _refused(pix, name, **asked)[0] == status


def test_details_of_wrong_decisions_are_refused(pix: Pix) -> None:
    payment = pix.paid()
    pix.give_back(payment, "1.00", "r1")
    name = {"endToEndId": payment["endToEndId"]}
    assert _refused(pix, "return", **name, id="r2", decision="settle")[0] == 404
    assert _refused(pix, "return", **name, id="r1", decision="perhaps")[0] == 422
    assert _refused(pix, "return", **name, id="r1", decision="fail", reason="XX99")[0] == 422
    for kind in ("whim", ["fraud"]):
        assert _refused(pix, "med", **name, kind=kind)[0] == 422


def test_a_key_has_one_owner(pix: Pix) -> None:
    mine = OTHER | {"client_id": "thief", "key": TERMS["chave"]}
    assert _refused(pix, "receivers", **mine)[0] == 409


def test_reset_forgets_everything_but_receivers(pix: Pix) -> None:
    pix.paid()
    pix.control("faults", operation="get_cob", kind="error")
    pix.control("habits", returns="refuse")
    pix.control("clock", advance_seconds=1000)
    before = pix.state()["now"]
    assert pix.control("reset") == {"reset": True}
    state = pix.state()
    for name in ("charges", "payments", "rejections", "calls", "faults"):
        assert not state[name]
    assert state["habits"]["returns"] == "settle"
    assert state["receivers"][0]["key"] == TERMS["chave"]
    assert state["now"] < before


# Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("when", "charges"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["drop", "hold"])
def test_an_answer_is_lost_before_or_after_the_charge_is_made(
    pix: Pix, kind: str, when: str, charges: int
) -> None:
    pix.control("faults", operation="put_cob", kind=kind, when=when, seconds=0.01)
    address = f"/cob/{'a' * 32}"
    with pix.client() as client, pytest.raises(httpx2.TransportError):
        client.put(address, json=TERMS)
    assert len(pix.state()["charges"]) == charges
    assert pix.api.put(address, json=TERMS).status_code == 201


@pytest.mark.parametrize(("when", "returned"), [("before", "0.00"), ("after", "7.00")])
def test_a_5xx_comes_before_or_after_money_goes_back(pix: Pix, when: str, returned: str) -> None:
    payment = pix.paid()
    pix.control("faults", operation="put_devolucao", kind="error", when=when, status=503)
    problem(pix.give_back(payment, "7.00"), 503, "ServicoIndisponivel")
    assert pix.state()["payments"][0]["returned"] == returned


def test_faults_meet_each_operation_by_its_name(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("faults", operation="get_cob", kind="hide", times=2)
    statuses = [pix.api.get(f"/cob/{charge['txid']}").status_code for _ in range(3)]
    assert statuses == [404, 404, 200]
    pix.control("faults", operation="token", kind="error", status=500)
    with pytest.raises(AssertionError):
        pix.token()


def test_a_garbled_answer_is_no_json(pix: Pix) -> None:
    pix.control("faults", operation="list_pix", kind="garble")
    with pix.client() as client, pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        client.get("/pix", params=PERIOD).json()


def test_a_delayed_answer_comes_too_late_for_the_impatient(pix: Pix) -> None:
    pix.control("faults", operation="put_cob", kind="delay", seconds=60)
    with pix.client(timeout=0.5) as client, pytest.raises(httpx2.ReadTimeout):
        client.put(f"/cob/{'a' * 32}", json=TERMS)
    assert len(pix.state()["charges"]) == 1


def test_calls_are_counted(pix: Pix) -> None:
    charge = pix.charge()
    pix.control("faults", operation="get_cob", kind="error", when="before", status=503)
    for _ in range(2):
        pix.api.get(f"/cob/{charge['txid']}")
    assert pix.state()["calls"] == {"put_cob": 1, "get_cob": 2}


def test_the_document_lists_every_outcome_code_and_test_payer() -> None:
    text = DOCUMENT.read_text("utf-8")
    for name in [*(each.name for each in OUTCOMES), *REASONS, *BY_CPF]:
        assert f"`{name}`" in text
