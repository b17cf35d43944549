"""What the payer's pages refuse, hide and never do."""

from __future__ import annotations

import re

import asyncpg
import httpx2
import pytest

from conftest import DatabaseUrls
from guichet.gateway import Gateway
from guichet.pages.app import build_app
from guichet.pages.render import CONTENT_SECURITY_POLICY
from guichet.services.attempts import return_url
from guichet.services.checkout import open_checkout
from guichet.settings import Settings
from pages.conftest import NewCheckout
from pages.scripted import ScriptedRail

HOSTILE = """"><script>alert(1)</script><img src=x onerror=alert(2)>' {{7*7}} \u202e \u2028"""


async def state_of(urls: DatabaseUrls) -> list[tuple[str, str]]:
    """Every row of every table that a request might touch, as text."""
    connection = await asyncpg.connect(urls.superuser_url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_stat_user_tables WHERE relname <> 'rail_notices' ORDER BY 1"
        )
        return [
            (name, row["row"])
            for (name,) in tables
            for row in await connection.fetch(f"SELECT t::text AS row FROM {name} t ORDER BY 1")
        ]
    finally:
        await connection.close()


async def test_every_page_carries_the_strict_headers(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    for path in ("/", checkout.path, f"{checkout.path}/bank", f"{checkout.path}/status", "/no"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "set-cookie" not in headers
        assert "strict-transport-security" not in headers


async def test_by_https_browsers_are_told_to_keep_to_it(gateway: Gateway) -> None:
    gateway.settings = Settings(public_url="https://pay.example/guichet")
    transport = httpx2.ASGITransport(app=build_app(gateway))
    async with httpx2.AsyncClient(transport=transport, base_url="https://pay.example") as client:
        page = await client.get("/")

    assert page.headers["strict-transport-security"].startswith("max-age=63072000")
    assert 'href="/guichet/static/checkout.' in page.text


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert not re.search(r"https?:|\*", CONTENT_SECURITY_POLICY)
    for rule in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert rule in CONTENT_SECURITY_POLICY


async def test_hostile_text_is_shown_as_text(
    client: httpx2.AsyncClient, database_urls: DatabaseUrls, gateway: Gateway,
    new_checkout: NewCheckout,
) -> None:  # fmt: skip
    connection = await asyncpg.connect(database_urls.superuser_url)
    await connection.execute("UPDATE payees SET name = $1", HOSTILE)
    await connection.execute("UPDATE applications SET name = $1", HOSTILE)
    await connection.close()
    await gateway.access.refresh()
    checkout = await new_checkout(reference=HOSTILE)
    for language in ("en", "fr", "es", "pt"):
        page = await client.get(checkout.path, headers={"accept-language": language})
        assert page.text.count("<script") == 1
        assert "<img" not in page.text
        assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
        assert "{{7*7}}" in page.text


async def test_get_writes_nothing(
    client: httpx2.AsyncClient, database_urls: DatabaseUrls, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(checkout.path)
    before = await state_of(database_urls)
    for suffix in ("", "/status", "/bank", "/returned"):
        for method in ("GET", "HEAD"):
            await client.request(method, checkout.path + suffix)

    assert await state_of(database_urls) == before


async def test_head_answers_as_get_without_the_page(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    page, head = await client.get(checkout.path), await client.head(checkout.path)

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(page.content))


async def test_what_the_browser_brings_back_is_neither_believed_nor_shown(
    client: httpx2.AsyncClient, gateway: Gateway, database_urls: DatabaseUrls,
    new_checkout: NewCheckout,
) -> None:  # fmt: skip
    checkout = await new_checkout()
    await client.post(checkout.path)
    token = checkout.path.rsplit("/", 1)[1]
    attempt = (await open_checkout(gateway, checkout.payment.id, token)).attempt
    assert attempt is not None
    address = return_url(gateway, attempt.id).removeprefix(gateway.settings.base_url)
    before = await state_of(database_urls)
    for words in ("status=completed", "error=denied&status=FAILED", "paid=true&amount=1"):
        back = await client.get(f"{address}?{words}&one-time-token=canary")
        assert (back.status_code, back.headers["location"]) == (303, f"{checkout.path}/returned")
        page = await client.get(f"{checkout.path}/returned?{words}")
        assert "Checking with your bank" in page.text
        assert "canary" not in page.text

    assert await state_of(database_urls) == before
    connection = await asyncpg.connect(database_urls.superuser_url)
    contents = await connection.fetch(
        "SELECT content FROM rail_notices WHERE attempt_id = $1", attempt.id
    )
    await connection.close()
    assert len(contents) == 3
    assert not any(b"canary" in row["content"] for row in contents)


async def test_head_on_the_return_address_keeps_no_hint(client: httpx2.AsyncClient) -> None:
    answer = await client.head(f"/return/{'0' * 32}/token")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"content-type": "text/plain"},
    ],
)
async def test_another_sites_form_starts_nothing(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout,
    headers: dict[str, str],
) -> None:  # fmt: skip
    checkout = await new_checkout()
    answer = await client.post(checkout.path, headers=headers)

    assert answer.status_code == 403
    assert "This cannot be done" in answer.text
    assert rail.orders == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "none"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8000"},
        {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
    ],
)
async def test_our_own_form_starts_as_every_browser_sends_it(
    client: httpx2.AsyncClient, new_checkout: NewCheckout, headers: dict[str, str]
) -> None:
    checkout = await new_checkout()

    assert (await client.post(checkout.path, headers=headers)).status_code == 303


async def test_nothing_sent_with_the_form_changes_what_is_paid(
    client: httpx2.AsyncClient, rail: ScriptedRail, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    await client.post(
        f"{checkout.path}?amount=1", data={"amount": "1", "amount_minor": "1", "payee": "me"}
    )

    assert [order.money for order in rail.orders] == [checkout.payment.money]
    assert rail.orders[0].payee.name == "John Doe"


async def test_unknown_links_are_kindly_refused_alike_then_slowed(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    payment = checkout.payment.id.hex
    guesses = [
        f"/pay/{payment}/wrong", f"/pay/{'0' * 32}/wrong", "/pay/1/2", f"/return/{payment}/wrong",
    ]  # fmt: skip
    pages = [await client.get(guesses[number % 4]) for number in range(20)]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "This page does not exist" in pages[0].text
    assert "John Doe" not in pages[0].text

    refused = await client.get(guesses[0])
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "Too many tries" in refused.text
    assert (await client.get(checkout.path)).status_code == 200


async def test_a_payments_token_opens_no_other_payment(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    one, other = await new_checkout(), await new_checkout()
    token = one.path.rsplit("/", 1)[1]

    assert (await client.get(f"/pay/{other.payment.id.hex}/{token}")).status_code == 404


@pytest.mark.parametrize("path", ["/static/", "/static/checkout.js", "/static/../app.py", "/nope"])
async def test_only_listed_files_are_served(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_wrong_method_is_named(
    client: httpx2.AsyncClient, new_checkout: NewCheckout
) -> None:
    checkout = await new_checkout()
    answer = await client.delete(checkout.path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
