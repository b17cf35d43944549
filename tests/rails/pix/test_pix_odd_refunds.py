"""Answers about refunds that a sound PSP never gives: no money goes back twice, or unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from guichet.domain.money import Money
from guichet.domain.orders import RefundOrder
from guichet.domain.outcomes import (
    Reason,
    Refused,
    Unknown,
    Waiting,
)
from guichet.rails.port import RailUnavailable
from rails.pix.scripted import (
    E2EID,
    OTHER_E2EID,
    PROVES_NOTHING,
    Said,
    Script,
    charge,
    name_of,
    pix,
    problem,
    returned,
    scripted,
)


@pytest.fixture
async def psp() -> AsyncIterator[Script]:
    async with scripted() as script:
        yield script


async def refunded(psp: Script, **answers: Said) -> Any:
    order = psp.shown(received_minor=12_244, provider_reference=E2EID, open=False)
    for method, answer in answers.items():
        psp.answers[f"{method} /v2/pix/{E2EID}/devolucao/"] = answer
    return await psp.rail.refund(RefundOrder("f" * 32, Money(2244, "BRL"), order))


OURS = returned("22.44", "ORIGINAL", id="f" * 32)
NOT_THERE = problem(404, "PixDevolucaoNaoEncontrada")


@pytest.mark.parametrize(
    "entry",
    [
        {**OURS, "id": "0" * 32},
        {**OURS, "valor": "22.45"},
        {**OURS, "valor": 22.44},
        {**OURS, "valor": None},
        {**OURS, "status": 7},
        [],
    ],
)
async def test_a_refund_that_is_not_plainly_ours_is_unknown(psp: Script, entry: Any) -> None:
    assert isinstance(await refunded(psp, GET=(200, entry)), Unknown)
    assert isinstance(await refunded(psp, GET=NOT_THERE, PUT=(201, entry)), Unknown)


@pytest.mark.parametrize("answer", PROVES_NOTHING, ids=name_of)
async def test_a_refund_without_a_definite_answer_is_unknown(psp: Script, answer: Said) -> None:
    assert isinstance(await refunded(psp, GET=NOT_THERE, PUT=answer), Unknown)


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        (problem(400, "PixDevolucaoInvalida"), Reason.REJECTED, "PixDevolucaoInvalida"),
        (
            problem(400, "PixDevolucaoInvalida", detail="Saldo insuficiente na conta"),
            Reason.INSUFFICIENT_FUNDS,
            "PixDevolucaoInvalida",
        ),
        (
            problem(422, "PixDevolucaoInvalida", violacoes=[{"razao": "sem saldo"}]),
            Reason.INSUFFICIENT_FUNDS,
            "PixDevolucaoInvalida",
        ),
        (problem(403, "AcessoNegado"), Reason.REJECTED, "AcessoNegado"),
        (problem(404, "PixNaoEncontrado"), Reason.REJECTED, "PixNaoEncontrado"),
    ],
)
async def test_a_definite_no_to_a_refund(
    psp: Script, answer: Said, reason: Reason, code: str
) -> None:
    outcome = await refunded(psp, GET=NOT_THERE, PUT=answer)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (reason, code)


@pytest.mark.parametrize(
    ("motivo", "reason", "code"),
    [
        ("AM04: saldo insuficiente", Reason.INSUFFICIENT_FUNDS, "AM04"),
        ("AC06: conta bloqueada", Reason.REJECTED, "AC06"),
        ("Saldo insuficiente", Reason.INSUFFICIENT_FUNDS, "NAO_REALIZADO"),
        (None, Reason.REJECTED, "NAO_REALIZADO"),
    ],
)
async def test_why_a_refund_was_not_carried_out(
    psp: Script, motivo: str | None, reason: Reason, code: str
) -> None:
    entry = {**OURS, "status": "NAO_REALIZADO", "motivo": motivo}
    outcome = await refunded(psp, GET=(200, entry))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (reason, code)


@pytest.mark.parametrize("status", [401, 429])
async def test_not_let_in_is_asked_again(psp: Script, status: int) -> None:
    with pytest.raises(RailUnavailable):
        await refunded(psp, GET=NOT_THERE, PUT=problem(status))
    psp.answers["PUT /v2/cob/"] = problem(status)
    with pytest.raises(RailUnavailable):
        await psp.rail.begin(psp.order())


async def test_an_unknown_state_of_a_refund_is_under_way(psp: Script) -> None:
    entry = {**OURS, "status": "NOVO_ESTADO", "rtrId": "odd"}
    outcome = await refunded(psp, GET=(200, entry))
    assert isinstance(outcome, Waiting)
    assert outcome.provider_reference is None


async def test_pix_that_are_not_shown_any_more_give_nothing_back(psp: Script) -> None:
    memory = {"e2eids": f"{E2EID} {OTHER_E2EID}"}
    order = psp.shown(received_minor=24_488, memory=memory, open=False)
    psp.answers["GET /v2/cob/"] = charge(order, "CONCLUIDA", pix=[pix()])
    refund = RefundOrder("f" * 32, Money(2244, "BRL"), order)
    assert isinstance(await psp.rail.refund(refund), Unknown)
    psp.answers["GET /v2/cob/"] = problem(404)
    with pytest.raises(RailUnavailable):
        await psp.rail.refund(refund)
