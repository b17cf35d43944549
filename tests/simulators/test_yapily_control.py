"""The control API: decisions, faults, time, and the look into the book."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from simulators.yapily_stage import Simulator


def _refused(simulator: Simulator, name: str, **asked: Any) -> tuple[int, str]:
    answer = simulator.browser.post(f"{simulator.url}/_control/{name}", json=asked)
    return answer.status_code, answer.json()["error"]


def test_state_tells_the_truth_about_money_and_calls(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, _ = authorisation.paid()
    state = simulator.state()
    assert state["calls"] == {"create_authorisation": 1, "exchange_token": 1, "create_payment": 1}
    assert state["consents"][0]["status"] == "CONSUMED"
    found = state["payments"][0]
    assert (found["id"], found["asked"], found["moved"]) == (payment["id"], "12.50", "12.50")
    assert [each["amount"] for each in found["movements"]] == ["12.50"]


def test_reset_forgets_everything(simulator: Simulator) -> None:
    simulator.authorise().paid()
    simulator.control("faults", operation="get_consent", kind="error")
    simulator.control("clock", advance_seconds=1000)
    before = simulator.state()["now"]
    assert simulator.control("reset") == {"reset": True}
    state = simulator.state()
    assert (state["consents"], state["payments"], state["calls"], state["faults"]) == (
        [],
        [],
        {},
        {},
    )
    assert state["now"] < before


def test_accept_answers_where_the_browser_would_go(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    for name, value in [
        ("consent", authorisation.data["id"]),
        ("applicationUserId", authorisation.user),
        ("paymentIdempotencyId", simulator.state()["consents"][0]["paymentIdempotencyId"]),
    ]:
        decided = simulator.control("decide", decision="accept", **{name: value})
        assert decided["callback"].startswith("https://shop.example/return?order=7&one-time-token=")
        assert decided["consent"]["status"] == "AUTHORIZED"


def test_refuse_and_expire_answer_where_the_browser_would_go(simulator: Simulator) -> None:
    for decision, status, error in [
        ("refuse", "REJECTED", "access_denied"),
        ("expire", "EXPIRED", "expired"),
    ]:
        consent = simulator.authorise().data["id"]
        decided = simulator.control("decide", consent=consent, decision=decision)
        assert httpx2.URL(decided["callback"]).params["error"] == error
        assert decided["consent"]["status"] == status


def test_a_decided_consent_is_not_decided_otherwise(simulator: Simulator) -> None:
    consent = simulator.authorise().data["id"]
    simulator.control("decide", consent=consent, decision="refuse")
    status, why = _refused(simulator, "decide", consent=consent, decision="accept")
    assert (status, why) == (409, "the consent is REJECTED")


def test_settle_pays_a_pending_payment(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("pending")
    simulator.control("decide", payment=payment["id"], decision="settle")
    assert authorisation.details(payment["id"], token)["status"] == "COMPLETED"
    assert simulator.state()["payments"][0]["moved"] == "12.50"


def test_settle_twice_moves_money_once(simulator: Simulator) -> None:
    payment, _ = simulator.authorise().paid("pending")
    for _ in range(2):
        simulator.control("decide", payment=payment["id"], decision="settle")
    assert simulator.state()["payments"][0]["moved"] == "12.50"


def test_pay_moves_another_amount(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("pending")
    key = payment["paymentIdempotencyId"]
    simulator.control("decide", paymentIdempotencyId=key, decision="pay", amount="9.99")
    assert authorisation.details(payment["id"], token)["amount"] == 9.99
    assert simulator.state()["payments"][0]["moved"] == "9.99"


def test_fail_rejects_a_pending_payment(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("pending")
    simulator.control("decide", payment=payment["id"], decision="fail", reason="am04")
    details = authorisation.details(payment["id"], token)
    assert (details["status"], details["statusDetails"]["statusReason"]) == ("FAILED", "AM04")


def test_take_back_returns_moved_money(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid()
    simulator.control("decide", payment=payment["id"], decision="take_back")
    assert authorisation.details(payment["id"], token)["status"] == "FAILED"
    found = simulator.state()["payments"][0]
    assert [each["amount"] for each in found["movements"]] == ["12.50", "-12.50"]


@pytest.mark.parametrize(
    ("user", "decision", "why"),
    [
        ("mits", "fail", "the money has moved: take it back instead"),
        ("pending", "take_back", "no money has moved"),
        ("AC04", "settle", "the payment has failed"),
        ("mits", "pay", "the money has already moved"),
    ],
)
def test_an_impossible_decision_is_a_conflict(
    simulator: Simulator, user: str, decision: str, why: str
) -> None:
    payment, _ = simulator.authorise().paid(user)
    asked = {"payment": payment["id"], "decision": decision, "amount": "1"}
    assert _refused(simulator, "decide", **asked) == (409, why)


@pytest.mark.parametrize(
    ("status", "name", "asked"),
    [
        (422, "decide", {"decision": "perhaps"}),
        (400, "decide", {}),
        (422, "decide", {"decision": "accept"}),
        (404, "decide", {"decision": "accept", "consent": "nowhere"}),
        (404, "decide", {"decision": "settle", "payment": "nowhere"}),
        (422, "faults", {"operation": "fly", "kind": "drop"}),
        (422, "faults", {"operation": "create_payment", "kind": "explode"}),
        (422, "faults", {"operation": "create_payment", "kind": "drop", "when": "during"}),
        (422, "faults", {"operation": "create_payment", "kind": "drop", "times": 0}),
        (422, "faults", {"operation": "create_payment", "kind": "delay", "seconds": "1"}),
        (422, "faults", {"operation": "create_payment", "kind": "error", "status": 200}),
        (422, "clock", {}),
        (422, "clock", {"advance_seconds": -1}),
        (422, "webhook", {"url": "ftp://nowhere"}),
    ],
)
def test_a_wrong_command_is_refused(
    simulator: Simulator, status: int, name: str, asked: dict[str, Any]
) -> None:
    assert _refused(simulator, name, **asked)[0] == status


@pytest.mark.parametrize(
    ("decision", "asked"),
    [
        ("accept", {"user": "nobody"}),
        ("pay", {"amount": "much"}),
        ("pay", {"amount": "-1"}),
        ("fail", {"reason": "XX99"}),
    ],
)
def test_a_wrong_detail_of_a_decision_is_refused(
    simulator: Simulator, decision: str, asked: dict[str, Any]
) -> None:
    consent = simulator.authorise()
    asked["consent"] = consent.data["id"]
    if decision != "accept":
        asked["payment"] = consent.paid("pending")[0]["id"]
    assert _refused(simulator, "decide", decision=decision, **asked)[0] == 422


# Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("when", "moved"), [("before", []), ("after", ["12.50"])])
@pytest.mark.parametrize("kind", ["drop", "hold"])
def test_an_answer_is_lost_before_or_after_money_moves(
    simulator: Simulator, kind: str, when: str, moved: list[str]
) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    simulator.control("faults", operation="create_payment", kind=kind, when=when, seconds=0.01)
    with simulator.client() as client, pytest.raises(httpx2.RemoteProtocolError):
        authorisation.pay(token, client)
    assert [each["moved"] for each in simulator.state()["payments"]] == moved
    assert authorisation.pay(token).status_code == 201


@pytest.mark.parametrize(("when", "moved"), [("before", []), ("after", ["12.50"])])
def test_a_5xx_comes_before_or_after_money_moves(
    simulator: Simulator, when: str, moved: list[str]
) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    simulator.control("faults", operation="create_payment", kind="error", when=when, status=504)
    assert authorisation.pay(token).status_code == 504
    assert [each["moved"] for each in simulator.state()["payments"]] == moved


def test_a_fault_meets_as_many_calls_as_said(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    simulator.control("faults", operation="get_consent", kind="error", status=503, times=2)
    simulator.control("faults", operation="get_consent", kind="hide")
    address = f"/consents/{authorisation.data['id']}"
    statuses = [simulator.api.get(address).status_code for _ in range(4)]
    assert statuses == [503, 503, 404, 200]


def test_a_garbled_answer_is_no_json(simulator: Simulator) -> None:
    simulator.control("faults", operation="list_institutions", kind="garble")
    with simulator.client() as client, pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        client.get("/institutions").json()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delayed_answer_is_whole(simulator: Simulator, when: str) -> None:
    simulator.control("faults", operation="list_institutions", kind="delay", seconds=0.1, when=when)
    assert simulator.api.get("/institutions").status_code == 200


def test_a_delayed_answer_comes_too_late_for_the_impatient(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept()
    simulator.control("faults", operation="create_payment", kind="delay", seconds=60)
    with simulator.client(timeout=0.3) as client, pytest.raises(httpx2.ReadTimeout):
        authorisation.pay(token, client)
    assert [each["moved"] for each in simulator.state()["payments"]] == ["12.50"]


def test_faults_are_listed_and_cleared(simulator: Simulator) -> None:
    url = f"{simulator.url}/_control/faults"
    simulator.control("faults", operation="get_payment", kind="hide", times=3)
    assert simulator.browser.get(url).json()["get_payment"][0]["times"] == 3
    assert simulator.browser.delete(url).json() == {}


# Time -------------------------------------------------------------------------------------------


def test_time_moved_forward_expires_consents(simulator: Simulator) -> None:
    waiting, accepted = simulator.authorise(), simulator.authorise()
    accepted.accept()
    simulator.control("clock", advance_seconds=1799)
    assert waiting.status() == "AWAITING_AUTHORIZATION"
    simulator.control("clock", advance_seconds=1)
    assert (waiting.status(), accepted.status()) == ("EXPIRED", "EXPIRED")


@pytest.mark.parametrize(
    ("user", "seconds", "status", "moved"),
    [
        ("accepted", 3600, "ACCC", "12.50"),
        ("slow", 3600, "ACCC", "12.50"),
        ("takenback", 86400, "RJCT", "0.00"),
    ],
)
def test_time_moved_forward_lets_payments_go_on(
    simulator: Simulator, user: str, seconds: int, status: str, moved: str
) -> None:
    simulator.authorise().paid(user)
    simulator.control("clock", advance_seconds=seconds)
    found = simulator.state()["payments"][0]
    assert (found["isoStatus"], found["moved"]) == (status, moved)
