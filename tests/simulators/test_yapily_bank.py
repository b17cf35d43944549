"""The bank's pages, as a browser without script would use them."""

from __future__ import annotations

import json

import httpx2
import pytest

from simulators.yapily_stage import Authorisation, Simulator, value_of


def _returned(answer: httpx2.Response) -> httpx2.QueryParams:
    assert answer.status_code == 303, answer.text
    url = httpx2.URL(answer.headers["location"])
    assert (url.host, url.path) == ("shop.example", "/return")
    assert url.params["order"] == "7"
    return url.params


def _page(authorisation: Authorisation, step: str = "") -> httpx2.Response:
    return authorisation.simulator.browser.get(f"{authorisation.data['authorisationUrl']}{step}")


def test_accepting_leads_back_with_a_one_time_token(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    answer = authorisation.press("accept", authorisation.to_review())
    parameters = _returned(answer)
    assert parameters["application-user-id"] == authorisation.user
    assert parameters["user-uuid"] == authorisation.data["userUuid"]
    assert parameters["institution"] == "modelo-sandbox"
    token = authorisation.token_of(answer.headers["location"])
    assert authorisation.pay(token).json()["data"]["status"] == "COMPLETED"


def test_the_payment_comes_from_the_chosen_account(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    fields = authorisation.to_review()
    answer = authorisation.press("accept", fields)
    payment = authorisation.pay(authorisation.token_of(answer.headers["location"])).json()["data"]
    numbers = [each["identification"] for each in payment["payer"]["accountIdentifications"]]
    assert fields["account"] in numbers


def test_refusing_leads_back_with_an_error(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    parameters = _returned(authorisation.press("refuse", authorisation.to_review()))
    assert parameters["error"] == "access_denied"
    assert parameters["error-source"] == "user"
    assert parameters["error-description"]
    assert parameters["institution"] == "modelo-sandbox"
    assert "one-time-token" not in parameters
    assert authorisation.status() == "REJECTED"


def test_cancelling_at_the_login_is_a_refusal(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    address = authorisation.data["authorisationUrl"]
    answer = simulator.browser.post(f"{address}/login", data={"decision": "refuse"})
    assert _returned(answer)["error"] == "access_denied"
    assert authorisation.status() == "REJECTED"


def test_closing_the_tab_leaves_the_consent_waiting(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    authorisation.to_review()
    assert authorisation.status() == "AWAITING_AUTHORIZATION"


def test_the_review_shows_what_will_be_paid(simulator: Simulator) -> None:
    authorisation = simulator.authorise("1250.5")
    authorisation.to_review()
    page = _page(authorisation, "/review").text
    for text in ["£1,250.50", "Café Ondine", "12-34-56", "12345678", "Order 10042"]:
        assert text in page


def test_pages_say_that_they_are_a_simulation(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    authorisation.to_review()
    pages = [_page(authorisation, step) for step in ["", "/accounts", "/review"]]
    pages.append(simulator.browser.get(f"{simulator.url}/bank/modelo-sandbox/authorise/nowhere"))
    authorisation.press("refuse", {"token": value_of(pages[1].text, "token")})
    pages.append(_page(authorisation))
    for page in pages:
        assert "Simulation" in page.text


def test_pages_run_nothing_and_are_framed_by_nobody(simulator: Simulator) -> None:
    answer = _page(simulator.authorise())
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; style-src 'self'" in policy
    assert "form-action 'self' https://shop.example;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_each_bank_has_its_own_name_and_colour(simulator: Simulator) -> None:
    style = simulator.browser.get(f"{simulator.url}/bank/style.css").text
    for bank, name in [("cic-sandbox", "CIC"), ("natwest-sandbox", "NatWest")]:
        page = _page(simulator.authorise(institutionId=bank)).text
        assert f'<body class="{bank}">' in page
        assert f"<span>{name}</span>" in page
        assert f".{bank} {{ --brand: #" in style


def test_names_of_others_are_shown_not_run(simulator: Simulator) -> None:
    request = json.loads(simulator.authorise().content)
    request["payee"]["name"] = "<script>alert(1)</script>\"'"
    request["reference"] = "<b>&"
    authorisation = simulator.authorise(paymentRequest=request)
    authorisation.to_review()
    for step in ["", "/review"]:
        page = _page(authorisation, step).text
        assert "<script" not in page
        assert "<b>&" not in page
        assert "&lt;script&gt;" in page


def test_a_wrong_password_is_said_and_the_third_blocks(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    first = authorisation.log_in(password="wrong")
    assert first.status_code == 422
    assert "2 tries left" in first.text
    assert "1 try left" in authorisation.log_in(user="nobody").text
    assert "Your login is blocked" in authorisation.log_in(password="wrong").text
    assert "Your login is blocked" in authorisation.log_in().text
    assert authorisation.status() == "FAILED"


def test_a_good_login_forgives_the_wrong_ones(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    for password in ["wrong", "wrong", "mits", "wrong"]:
        answer = authorisation.log_in(password=password)
    assert "2 tries left" in answer.text


@pytest.mark.parametrize(("user", "password"), [("ac04", "AC04"), (" AC04 ", "mits")])
def test_names_and_passwords_are_the_same_in_upper_and_lower_case(
    simulator: Simulator, user: str, password: str
) -> None:
    assert simulator.authorise().log_in(user, password).status_code == 303


def test_pressing_accept_twice_is_one_yes(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    fields = authorisation.to_review()
    first = authorisation.press("accept", fields)
    second = authorisation.press("accept", fields)
    assert second.headers["location"] == first.headers["location"]
    authorisation.pay(authorisation.token_of(first.headers["location"]))
    assert authorisation.press("accept", fields).headers["location"] == first.headers["location"]


def test_refusing_after_accepting_changes_nothing(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    fields = authorisation.to_review()
    authorisation.press("accept", fields)
    assert "You have accepted this payment" in authorisation.press("refuse", fields).text
    assert authorisation.status() == "AUTHORIZED"


@pytest.mark.parametrize(
    ("decision", "text", "status"),
    [
        ("accept", "You have accepted this payment", 200),
        ("refuse", "You have refused this payment", 200),
        ("expire", "This request has expired", 410),
    ],
)
def test_a_decided_request_says_so_and_leads_back(
    simulator: Simulator, decision: str, text: str, status: int
) -> None:
    authorisation = simulator.authorise()
    simulator.control("decide", consent=authorisation.data["id"], decision=decision)
    for step in ["", "/accounts", "/review"]:
        answer = _page(authorisation, step)
        assert answer.status_code == status
        assert text in answer.text
        assert 'href="https://shop.example/return?order=7&amp;' in answer.text


def test_a_withdrawn_request_says_so(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    simulator.api.delete(f"/consents/{authorisation.data['id']}")
    assert "This request was withdrawn" in _page(authorisation).text


def test_time_runs_out_between_the_pages(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    fields = authorisation.to_review()
    simulator.control("clock", advance_seconds=1801)
    assert "This request has expired" in authorisation.press("accept", fields).text
    assert authorisation.status() == "EXPIRED"


def test_without_the_forms_token_no_button_works(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    fields = authorisation.to_review()
    answer = authorisation.press("accept", fields | {"token": "forged"})
    assert answer.headers["location"].endswith(authorisation.data["authorisationUrl"][-20:])
    assert authorisation.status() == "AWAITING_AUTHORIZATION"


def test_a_login_is_good_for_one_authorisation_only(simulator: Simulator) -> None:
    mine, other = simulator.authorise(), simulator.authorise()
    fields = mine.to_review()
    other.press("accept", fields)
    assert other.status() == "AWAITING_AUTHORIZATION"
    cookie = next(iter(simulator.browser.cookies.jar))
    assert cookie.path == httpx2.URL(mine.data["authorisationUrl"]).path
    assert cookie.has_nonstandard_attr("HttpOnly")


def test_a_login_carried_over_to_another_authorisation_is_none(simulator: Simulator) -> None:
    mine, other = simulator.authorise(), simulator.authorise()
    fields = mine.to_review()
    cookie = next(iter(simulator.browser.cookies.jar))
    answer = simulator.browser.post(
        f"{other.data['authorisationUrl']}/decision",
        data=fields | {"decision": "accept"},
        headers={"cookie": f"{cookie.name}={cookie.value}"},
    )
    assert other.data["authorisationUrl"].endswith(answer.headers["location"])
    assert (mine.status(), other.status()) == ("AWAITING_AUTHORIZATION",) * 2


@pytest.mark.parametrize("step", ["/accounts", "/review", "/login", "/decision"])
def test_without_a_login_every_page_leads_to_it(simulator: Simulator, step: str) -> None:
    authorisation = simulator.authorise()
    answer = _page(authorisation, step)
    assert answer.status_code == 303
    assert authorisation.data["authorisationUrl"].endswith(answer.headers["location"])


def test_an_account_of_somebody_else_cannot_be_chosen(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    fields = authorisation.to_review()
    address = authorisation.data["authorisationUrl"]
    answer = simulator.browser.post(f"{address}/accounts", data=fields | {"account": "00000000"})
    assert answer.headers["location"].endswith("/accounts")


def test_an_unknown_address_is_a_page_for_people(simulator: Simulator) -> None:
    key = simulator.authorise().data["authorisationUrl"].rsplit("/", 1)[1]
    for path in ["modelo-sandbox/authorise/nowhere", f"cic-sandbox/authorise/{key}"]:
        answer = simulator.browser.get(f"{simulator.url}/bank/{path}")
        assert answer.status_code == 404
        assert "We do not know this page" in answer.text


def test_without_a_callback_the_bank_has_the_last_word(simulator: Simulator) -> None:
    authorisation = simulator.authorise(callback=None, oneTimeToken=False)
    answer = authorisation.press("accept", authorisation.to_review())
    assert "You have accepted this payment" in answer.text
    assert "You can close this page" in answer.text


def test_the_login_lists_the_test_users(simulator: Simulator) -> None:
    page = _page(simulator.authorise()).text
    for user in ["mits", "takenback", "error502-moved", "AC04", "RR04"]:
        assert f"<code>{user}</code>" in page
