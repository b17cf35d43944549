"""A PSP's webhooks: believed by the certificate they come with, and hints all the same."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Notice
from guichet.outbound.client import GuardedClient
from guichet.rails.pix.account import PixAccount
from guichet.rails.pix.rail import PixRail
from guichet.rails.port import ForgedNotice, Inbound
from outbound.listeners import untrusting
from rails.pix.stage import PSP_SUBJECT, Psp

KEY = "0123456789abcdef0123456789abcdef"
E2EID = "E0000000020261120160000abcdefghi"
ACCOUNT = ProviderAccount(uuid.UUID(int=7), {"webhook_subject": PSP_SUBJECT})
PIX = {
    "endToEndId": E2EID,
    "txid": KEY,
    "valor": "122.44",
    "horario": "2026-11-20T16:00:00.000Z",
    "infoPagador": "obrigada",
}
REFUND = {
    "id": "f" * 32,
    "rtrId": "D0000000020261120160000abcdefghi",
    "valor": "1.00",
    "horario": {"solicitacao": "2026-11-21T16:00:00.000Z"},
    "status": "DEVOLVIDO",
}


@pytest.fixture
def rail() -> PixRail:
    return PixRail(GuardedClient(untrusting()), "live", 5)


def inbound(
    body: Any,
    subject: str | None = PSP_SUBJECT,
    account: ProviderAccount | None = ACCOUNT,
    headers: Mapping[str, str] | None = None,
) -> Inbound:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(headers or {}, encoded, account, subject)


def test_each_pix_names_its_charge(rail: PixRail) -> None:
    other = {**PIX, "txid": "f" * 32, "endToEndId": "E" + "1" * 31}
    assert rail.hear(inbound({"pix": [PIX, other]})) == [
        Notice(attempt_key=KEY, provider_reference=E2EID),
        Notice(attempt_key="f" * 32, provider_reference="E" + "1" * 31),
    ]


def test_a_return_names_the_charge_it_belongs_to(rail: PixRail) -> None:
    returned = {**PIX, "devolucoes": [REFUND]}
    assert rail.hear(inbound({"pix": [returned]})) == [
        Notice(attempt_key=KEY, provider_reference=E2EID)
    ]


def test_the_same_pix_twice_is_one_notice(rail: PixRail) -> None:
    assert len(rail.hear(inbound({"pix": [PIX, PIX]}))) == 1


@pytest.mark.parametrize(
    "pix",
    [
        {"txid": None},
        {"txid": "anothersystems1234567890123456"},
        {"txid": KEY.upper()},
        {"txid": KEY + "0"},
        {"txid": "'; DROP TABLE attempts; --123456"},
    ],
)
def test_what_is_not_ours_is_passed_over(rail: PixRail, pix: dict[str, Any]) -> None:
    assert rail.hear(inbound({"pix": [{**PIX, **pix}]})) == []


def test_an_odd_end_to_end_id_is_not_passed_on(rail: PixRail) -> None:
    assert rail.hear(inbound({"pix": [{**PIX, "endToEndId": "a\nb"}]})) == [Notice(attempt_key=KEY)]


@pytest.mark.parametrize("body", [{"pix": []}, {"evento": "teste_webhook"}, {}])
def test_an_empty_notice_names_nothing(rail: PixRail, body: dict[str, Any]) -> None:
    assert rail.hear(inbound(body)) == []


@pytest.mark.parametrize(
    ("subject", "account"),
    [
        (None, ACCOUNT),
        ("", ACCOUNT),
        ("CN=Another", ACCOUNT),
        (PSP_SUBJECT + " ", ACCOUNT),
        (PSP_SUBJECT.lower(), ACCOUNT),
        ("CN=é", ACCOUNT),
        (PSP_SUBJECT, None),
        (PSP_SUBJECT, ProviderAccount(uuid.UUID(int=8), {})),
        ("", ProviderAccount(uuid.UUID(int=8), {"webhook_subject": ""})),
        (None, ProviderAccount(uuid.UUID(int=8), {"webhook_subject": " "})),
    ],
)
def test_without_the_psps_certificate_nothing_is_believed(
    rail: PixRail, subject: str | None, account: ProviderAccount | None
) -> None:
    forged = {"ssl-client-subject-dn": PSP_SUBJECT, "x-client-subject": PSP_SUBJECT}
    with pytest.raises(ForgedNotice):
        rail.hear(inbound({"pix": [PIX]}, subject, account, forged))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"pix": {}}',
        b'{"pix": [7]}',
        b'{"pix": [{"txid": "x"}]}',
        b'{"pix": "\xff"}',
        b'{"odd":' + b"[" * 50_000,
        json.dumps({"pix": [PIX], "padding": "x" * 1_048_576}).encode(),
        json.dumps({"pix": [{"endToEndId": "x"}] * 1001}).encode(),
    ],
    ids=range(11),
)
def test_another_shape_is_no_notice(rail: PixRail, body: bytes) -> None:
    with pytest.raises(ForgedNotice):
        rail.hear(inbound(body))


def test_the_sandboxs_own_psp_is_known_by_the_default_account(psp: Psp) -> None:
    default = PixAccount(**psp.settings)
    rail = PixRail(GuardedClient(untrusting()), "sandbox", 5, default)
    assert not rail.card.needs_account
    assert rail.hear(inbound({"pix": [PIX]}, account=None))
    with pytest.raises(ForgedNotice):
        rail.hear(inbound({"pix": [PIX]}, "CN=Another", None))


def test_another_certificate_is_a_line_in_the_log(
    rail: PixRail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(ForgedNotice):
        rail.hear(inbound({"pix": [PIX]}, "CN=Banco Novo\nFORGED LINE" + "x" * 5000))
    assert "CN=Banco Novo\\nFORGED" in caplog.text
    assert len(caplog.text) < 500


def test_the_card_says_how_notices_are_proved(rail: PixRail) -> None:
    assert "certificate" in rail.card.authenticity
    assert rail.card.event_types == {"pix"}
