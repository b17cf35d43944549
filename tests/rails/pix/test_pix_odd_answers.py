"""Answers that a sound PSP never gives: none of them makes money out of nothing, or lost."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import (
    Done,
    Finality,
    Reason,
    Refused,
    ShowCode,
    TakenBack,
    Unknown,
    Waiting,
)
from guichet.rails.pix.brcode import dynamic_code, read
from guichet.rails.port import RailUnavailable
from rails.pix.scripted import (
    E2EID,
    LOCATION,
    OTHER_E2EID,
    PROVES_NOTHING,
    TOKEN,
    Said,
    Script,
    charge,
    name_of,
    page,
    pix,
    problem,
    returned,
    scripted,
)
from rails.pix.stage import PIX_KEY, SECRET, recorded

EMPTY = page()


@pytest.fixture
async def psp() -> AsyncIterator[Script]:
    async with scripted() as script:
        script.answers["GET /v2/pix?"] = EMPTY
        yield script


# The answer to PUT /cob ---------------------------------------------------------------------------


@pytest.mark.parametrize("answer", PROVES_NOTHING, ids=name_of)
async def test_whatever_proves_nothing_is_unknown(psp: Script, answer: Said) -> None:
    psp.answers["PUT /v2/cob/"] = answer
    outcome = await psp.rail.begin(psp.order())
    assert isinstance(outcome, Unknown)
    assert outcome.memory is not None
    assert outcome.memory["posted"]


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        (problem(400), Reason.REJECTED, "CobOperacaoInvalida"),
        (problem(422, "RequisicaoInvalida"), Reason.REJECTED, "RequisicaoInvalida"),
        (problem(403, "AcessoNegado"), Reason.NOT_STARTED, "AcessoNegado"),
        (problem(404, "NaoEncontrado"), Reason.NOT_STARTED, "NaoEncontrado"),
        (problem(409), Reason.NOT_STARTED, "CobOperacaoInvalida"),
        ((400, {"nome": "chave_invalida", "mensagem": "x"}), Reason.REJECTED, "400"),
        ((400, {"type": "a b<c>", "violacoes": [7]}), Reason.REJECTED, "400"),
        ((400, {"type": 7, "violacoes": {}, "detail": []}), Reason.REJECTED, "400"),
    ],
)
async def test_a_definite_no(psp: Script, answer: Said, reason: Reason, code: str) -> None:
    psp.answers["PUT /v2/cob/"] = answer
    psp.answers["GET /v2/cob/"] = problem(404, "CobNaoEncontrado")
    outcome = await psp.rail.begin(psp.order())
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (reason, code)


async def test_what_is_wrong_is_named_in_the_log_by_field_alone(
    psp: Script, caplog: pytest.LogCaptureFixture
) -> None:
    violation = {"razao": "canary", "propriedade": "cob.devedor.cpf", "valor": "canary"}
    forged = {"propriedade": "x\nFORGED"}
    psp.answers["PUT /v2/cob/"] = problem(400, violacoes=[violation, forged], detail="canary")
    psp.answers["GET /v2/cob/"] = problem(404)
    await psp.rail.begin(psp.order())
    assert "PUT /cob: 400 CobOperacaoInvalida (cob.devedor.cpf)" in caplog.text
    assert "canary" not in caplog.text
    assert "FORGED" not in caplog.text


@pytest.mark.parametrize(
    "look", [problem(500), problem(403), (200, b"{"), (200, {"txid": 7})], ids=name_of
)
async def test_a_no_that_cannot_be_looked_into_is_unknown(psp: Script, look: Said) -> None:
    psp.answers["PUT /v2/cob/"] = problem(400)
    psp.answers["GET /v2/cob/"] = look
    assert isinstance(await psp.rail.begin(psp.order()), Unknown)


@pytest.mark.parametrize("answered", ["PUT", "GET"])
async def test_after_the_request_left_nothing_is_merely_unavailable(
    psp: Script, answered: str
) -> None:
    order = psp.order()
    psp.answers["PUT /v2/cob/"] = problem(400)
    psp.answers[f"{answered} /v2/cob/"] = charge(order, "CONCLUIDA")
    psp.answers["GET /v2/pix?"] = problem(500)
    assert isinstance(await psp.rail.begin(order), Unknown)


async def test_a_no_after_an_unanswered_try_is_looked_into(psp: Script) -> None:
    order = psp.order(memory={"posted": str(int(psp.clock.now().timestamp()))})
    psp.clock.move(timedelta(minutes=1))
    psp.answers["PUT /v2/cob/"] = problem(403, "AcessoNegado")
    psp.answers["GET /v2/cob/"] = [problem(404), charge(order)]
    assert isinstance(await psp.rail.advance(order), Waiting)


@pytest.mark.parametrize(
    "changes",
    [
        {"txid": "0" * 32},
        {"chave": "outra@chave.example"},
        {"valor": {"original": "122.45"}},
        {"valor": {"original": "122.4"}},
        {"valor": {"original": 122.44}},
        {"valor": {}},
        {"valor": None},
        {"status": 7},
        {"location": None},
        {"location": "https://" + "x" * 90},
    ],
)
async def test_a_charge_that_is_not_plainly_ours_is_unknown(
    psp: Script, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    order = psp.order()
    psp.answers["PUT /v2/cob/"] = psp.answers["GET /v2/cob/"] = charge(order, **changes)
    assert isinstance(await psp.rail.begin(order), Unknown)
    assert isinstance(await psp.rail.advance(order), Unknown)
    assert "canary" not in caplog.text


async def test_the_key_may_come_back_punctuated(psp: Script) -> None:
    settings = {**psp.account.settings, "pix_key": "06372771390"}
    order = psp.order(account=replace(psp.account, settings=settings))
    psp.answers["PUT /v2/cob/"] = charge(order, chave="063.727.713-90")
    assert isinstance(await psp.rail.begin(order), Waiting)


async def test_an_account_with_a_new_key_still_knows_its_old_charges(psp: Script) -> None:
    settings = {**psp.account.settings, "pix_key": "06372771390"}
    order = psp.shown(account=replace(psp.account, settings=settings))
    psp.answers["GET /v2/cob/"] = charge(order)
    assert isinstance(await psp.rail.advance(order), Waiting)


# The code -----------------------------------------------------------------------------------------

GOOD_CODE = dynamic_code(LOCATION, "Loja", "Recife")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pixCopiaECola": GOOD_CODE, "location": None}, GOOD_CODE),
        ({"pixCopiaECola": GOOD_CODE[:-1] + "!", "location": None}, GOOD_CODE[:-1] + "!"),
        ({"pixCopiaECola": "é" * 9, "location": None}, None),
        ({"pixCopiaECola": "x" * 513, "location": None}, None),
        ({"pixCopiaECola": "a\nb", "location": None}, None),
        ({"pixCopiaECola": "broken"}, LOCATION),
        ({"pixCopiaECola": ""}, LOCATION),
        ({"location": f"https://{LOCATION}"}, LOCATION),
        ({"location": None, "loc": {"id": 1, "location": LOCATION}}, LOCATION),
    ],
)
async def test_which_code_is_shown(
    psp: Script, changes: dict[str, Any], expected: str | None
) -> None:
    order = psp.order()
    psp.answers["PUT /v2/cob/"] = charge(order, **changes)
    outcome = await psp.rail.begin(order)
    if expected is None:
        assert isinstance(outcome, Unknown)
        return
    assert isinstance(outcome, Waiting)
    assert isinstance(outcome.next_step, ShowCode)
    text = outcome.next_step.text
    assert text == expected or read(text).location == expected


# The money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["ATIVA", "CONCLUIDA", "REMOVIDA_PELO_PSP", "NOVO_ESTADO"])
async def test_money_counts_in_any_state(psp: Script, status: str) -> None:
    order = psp.shown()
    psp.answers["GET /v2/cob/"] = charge(order, status, pix=[pix(txid=order.key)])
    outcome = await psp.rail.advance(order)
    assert isinstance(outcome, Done)
    assert (outcome.received, outcome.finality) == (Money(12_244, "BRL"), Finality.SETTLED)
    assert outcome.provider_reference == E2EID


@pytest.mark.parametrize(
    "payments",
    [
        [pix(valor="122.4")],
        [pix(valor="122,44")],
        [pix(valor=122.44)],
        [pix(valor="-122.44")],
        [pix(valor="1e999999")],
        [pix(valor="٣.00")],
        [pix(valor="12345678901.00")],
        [pix(valor=None)],
        [pix(valor="0.00")],
        [pix(endToEndId="short")],
        [pix(endToEndId=None)],
        [pix(txid="0" * 32)],
        [pix(), pix(valor="1.00")],
        [pix(devolucoes=[returned("x")])],
        [pix(devolucoes=[{}])],
        [7],
        {},
    ],
)
async def test_money_that_cannot_be_read_is_unknown(
    psp: Script, payments: Any, caplog: pytest.LogCaptureFixture
) -> None:
    order = psp.shown()
    psp.answers["GET /v2/cob/"] = charge(order, "CONCLUIDA", pix=payments)
    assert isinstance(await psp.rail.advance(order), Unknown)
    assert "odd answer about a charge" in caplog.text


async def test_a_pix_that_is_listed_twice_counts_once(psp: Script) -> None:
    order = psp.shown()
    psp.answers["GET /v2/cob/"] = charge(order, "CONCLUIDA", pix=[pix(), pix()])
    outcome = await psp.rail.advance(order)
    assert isinstance(outcome, Done)
    assert outcome.received.minor == 12_244


async def test_a_charge_paid_by_no_pix_is_looked_up_in_the_list(psp: Script) -> None:
    order = psp.shown()
    psp.answers["GET /v2/cob/"] = charge(order, "CONCLUIDA")
    assert isinstance(await psp.rail.advance(order), Unknown)
    psp.answers["GET /v2/pix?"] = page(pix(txid=order.key), pix(endToEndId=OTHER_E2EID))
    outcome = await psp.rail.advance(order)
    assert isinstance(outcome, Done)
    assert outcome.received.minor == 12_244  # the other one is somebody else's


@pytest.mark.parametrize("payments", [None, [], [pix(valor="100.00")]])
async def test_money_is_never_unsaid(psp: Script, payments: list[Any] | None) -> None:
    order = psp.shown(received_minor=12_244, provider_reference=E2EID, open=False)
    psp.answers["GET /v2/cob/"] = charge(order, "ATIVA", pix=payments)
    assert isinstance(await psp.rail.advance(order), Unknown)


async def test_an_amount_that_play_money_cannot_have_is_unknown(psp: Script) -> None:
    order = psp.shown(money=Money(122, "JPY"))
    psp.answers["GET /v2/cob/"] = charge(order, pix=[pix(valor="122.44")])
    assert isinstance(await psp.rail.advance(order), Unknown)


@pytest.mark.parametrize(
    ("entry", "taken"),
    [
        (returned("22.44", "MED_FRAUDE"), 2244),
        (returned("22.44", "MED_OPERACIONAL"), 2244),
        (returned("22.44", "MED_PIX_AUTOMATICO"), 2244),
        (returned("22.44", "MED_OF_ANOTHER_KIND"), 2244),
        (returned("22.44", "MED_FRAUDE", status="EM_PROCESSAMENTO"), 0),
        (returned("22.44", "MED_FRAUDE", status="NAO_REALIZADO"), 0),
        (returned("22.44", "MED_FRAUDE", status="NOVO_ESTADO"), 0),
        (returned("22.44", "ORIGINAL"), 0),
        (returned("22.44", "RETIRADA"), 0),
        (returned("22.44", None), 0),
        (returned("22.44", "NOVA_NATUREZA"), 0),
    ],
)
async def test_what_counts_as_taken_back(psp: Script, entry: Any, taken: int) -> None:
    order = psp.shown(received_minor=12_244, open=False)
    psp.answers["GET /v2/cob/"] = charge(order, "CONCLUIDA", pix=[pix(devolucoes=[entry, entry])])
    outcome = await psp.rail.advance(order)
    if taken:
        assert isinstance(outcome, TakenBack)
        assert outcome.returned == Money(taken, "BRL")
        assert outcome.code == entry["natureza"]
    else:
        assert isinstance(outcome, Done)


async def test_an_unknown_state_waits_and_is_logged(
    psp: Script, caplog: pytest.LogCaptureFixture
) -> None:
    order = psp.shown()
    psp.answers["GET /v2/cob/"] = charge(order, "NOVO_ESTADO")
    assert isinstance(await psp.rail.advance(order), Waiting)
    assert "NOVO_ESTADO" in caplog.text
    psp.answers["GET /v2/cob/"] = charge(order, "x\nFORGED LINE")
    assert isinstance(await psp.rail.advance(order), Waiting)
    assert "FORGED" not in caplog.text


# Looks that fail ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [(500, b""), problem(403), problem(401), problem(429), (404, b"<html>"), (200, b"{")],
    ids=name_of,
)
async def test_a_look_that_fails_changes_nothing(psp: Script, answer: Said) -> None:
    psp.answers["GET /v2/cob/"] = answer
    with pytest.raises(RailUnavailable):
        await psp.rail.advance(psp.shown())


@pytest.mark.parametrize("status", [404, 410])
async def test_a_charge_that_is_gone(psp: Script, status: int) -> None:
    order = psp.shown()
    psp.answers["GET /v2/cob/"] = psp.answers["PATCH /v2/cob/"] = problem(status)
    assert isinstance(await psp.rail.advance(order), Unknown)
    outcome = await psp.rail.cancel(order)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TIMED_OUT
    psp.answers["GET /v2/pix?"] = page(pix(txid=order.key))
    assert isinstance(await psp.rail.advance(order), Done)
    assert isinstance(await psp.rail.cancel(order), Done)


@pytest.mark.parametrize(
    "answer",
    [
        problem(500),
        problem(404),
        (200, {}),
        page(pages=2, items=101),
        page(number=1, pages=2),
        page(items=1),
    ],
    ids=name_of,
)
async def test_nothing_is_over_on_half_a_list(psp: Script, answer: Said) -> None:
    psp.answers["GET /v2/cob/"] = psp.answers["PATCH /v2/cob/"] = problem(404)
    psp.answers["GET /v2/pix?"] = answer
    for asking in (psp.rail.advance, psp.rail.cancel):
        with pytest.raises(RailUnavailable):
            await asking(psp.shown())


# Secrets ------------------------------------------------------------------------------------------


async def test_neither_tokens_nor_credentials_are_shown_anywhere(
    psp: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = [psp.rail, psp.account, psp.rail._sessions.of(psp.account)]
    psp.answers["GET /v2/cob/"] = (500, TOKEN.encode())
    for answer in (problem(500, TOKEN), problem(400, detail=TOKEN), (201, TOKEN.encode())):
        psp.answers["PUT /v2/cob/"] = answer
        order = psp.order()
        outcome = await psp.rail.begin(order)
        seen += [outcome, recorded(order, outcome)]
    with pytest.raises(RailUnavailable) as failure:
        await psp.rail.advance(psp.shown())
    seen += [failure.value, failure.value.__cause__]
    shown = repr(seen) + "".join(map(str, seen)) + caplog.text
    assert "canary" not in shown
    assert SECRET not in shown
    assert PIX_KEY not in caplog.text
    assert "06372771390" not in caplog.text
