"""Tenants apart (G9): every operation of both dialects, from their routers, by every place a name
can stand in, asked by another merchant and by the same merchant's other environment.

What exists and is somebody else's is answered as what does not exist; nothing of it is shown, and
nothing of it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
import pytest_asyncio

from guichet.dialects.neopay.app import build_routes as neopay_routes
from guichet.dialects.notchpay.app import build_routes as notchpay_routes
from guichet.gateway import Gateway
from guichet.web.asgi import Reply, Request, Router
from wire.applications import MakeApplication
from wire.client import Client, encoded
from wire.neopay import documents
from wire.notchpay.forbidden import documented, every_column, is_marked, kept
from wire.notchpay.senders import BENEFICIARY, TRANSFER, granting
from wire.notchpay.shops import MakeShop
from wire.notchpay.tenants import (
    CANARY,
    Side,
    Tenant,
    bodies,
    digests,
    masked,
    neopay_side,
    notchpay_side,
    query_names,
    shows,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Bodies that some call of each dialect takes.
VALID: dict[str, list[dict[str, Any]]] = {
    "neopay": [
        json.loads(documents.PAYMENT) | {"customer": {"email": "a@b.example", "country": "GB"}},
        json.loads(documents.CUSTOMER),
        json.loads(documents.LINK),
    ],
    "notchpay": [
        {"amount": 5000, "currency": "XAF", "email": "a@b.example"},
        BENEFICIARY,
        TRANSFER,
        {"url": "https://own.example/hook", "events": ["*"]},
    ],
}
_PARAMETER = re.compile(r"\{\w+\}")
#: Answers that say nothing of the name in the path: what is asked for needs none, or is public.
_NOBODYS = {"/api/institutions/{id}"}
#: What is asked for in queries: an id of each shape, and what people search for.
_ASKED_FOR = ("payment", "customer", "merchant_reference", "slug", "email", "text")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sides(
    gateway: Gateway,
    make_application: MakeApplication,
    make_shop: MakeShop,
    owner: asyncpg.Connection[Any],
) -> AsyncIterator[dict[str, Side]]:
    yield {
        "neopay": await neopay_side(gateway, make_application),
        "notchpay": await notchpay_side(gateway, make_shop, owner),
    }


@pytest.fixture(params=["neopay", "notchpay"])
def side(request: pytest.FixtureRequest, sides: dict[str, Side]) -> Side:
    return sides[request.param]


@pytest.fixture
def router(side: Side, gateway: Gateway) -> Router:
    return {"neopay": neopay_routes, "notchpay": notchpay_routes}[side.dialect](gateway)


async def test_the_names_are_real(side: Side, router: Router) -> None:
    """Their owner finds each of them somewhere: what strangers do not find is there."""
    found = set()
    for method, path in router.routes():
        if method == "GET" and "{" in path and path not in _NOBODYS:
            for kind, name in side.names.victims.items():
                answer = await side.victim.get(_PARAMETER.sub(quote(name, safe=""), path))
                if answer.status == 200:
                    found.add(kind)

    missing = set(side.names.victims) - found - {"email", "text", "waiting"}
    assert missing <= {"beneficiary_reference"}
    assert CANARY in (await side.victim.get(_a_list(side))).body.decode()


async def leaks_in_paths(side: Side, router: Router, tenants: list[Tenant]) -> list[object]:
    wrong: list[object] = []
    paths = [each for each in router.routes() if "{" in each[1] and each[1] not in _NOBODYS]
    assert len(paths) > 2
    for (method, path), tenant in product(paths, tenants):
        for kind, name in side.names.victims.items():
            other = side.names.nobodys[kind]
            said = await _ask(tenant.client, method, path, name)
            unknown = await _ask(tenant.client, method, path, other)
            if said.status < 400 or masked(said, name) != masked(unknown, other):
                wrong.append((tenant.name, method, path, kind, said.status, unknown.status))
            if shows(said, name):
                wrong.append((tenant.name, method, path, kind, said.body))
    return wrong


async def leaks_in_queries(side: Side, router: Router, tenants: list[Tenant]) -> list[object]:
    wrong: list[object] = []
    lists = [path for method, path in router.routes() if method == "GET" and "{" not in path]
    kinds = [kind for kind in _ASKED_FOR if kind in side.names.victims]
    for path, tenant, parameter in product(lists, tenants, query_names(side.dialect)):
        for kind in kinds if tenant is tenants[0] else ["text"]:
            name = side.names.victims[kind]
            said = await tenant.client.get(f"{path}?{parameter}={quote(name)}")
            if shows(said, name):
                wrong.append((tenant.name, path, parameter, kind, said.status))
    return wrong


async def test_a_name_in_the_path_is_as_unknown_as_one_that_is_not(
    side: Side, router: Router, owner: asyncpg.Connection[Any]
) -> None:
    before = await digests(owner, side.victim_id)

    assert await leaks_in_paths(side, router, side.strangers) == []
    assert await digests(owner, side.victim_id) == before


async def test_a_name_in_the_query_finds_nothing_of_others(
    side: Side, router: Router, owner: asyncpg.Connection[Any]
) -> None:
    before = await digests(owner, side.victim_id)

    assert await leaks_in_queries(side, router, side.strangers) == []
    assert await digests(owner, side.victim_id) == before


async def test_a_name_in_a_body_is_as_unknown_as_one_that_is_not(
    side: Side, router: Router, owner: asyncpg.Connection[Any]
) -> None:
    before = await digests(owner, side.victim_id)
    wrong, asked = [], 0
    tenant = side.strangers[0]
    writes = [(m, path) for m, path in router.routes() if m in {"POST", "PUT", "PATCH"}]
    for method, path in writes:
        target = _PARAMETER.sub("nothing", path)
        pairs = zip(bodies(side.names.victims), bodies(side.names.nobodys), strict=False)
        others = dict(side.names.nobodys)
        for (kind, body), _ in pairs:
            name, other = side.names.victims[kind], others[kind]
            said = await tenant.client.call(method, target, encoded(body))
            text = encoded(body).replace(name.encode(), other.encode())
            unknown = await tenant.client.call(method, target, text)
            asked += 1
            if said.status != unknown.status or shows(said, name):
                wrong.append((method, path, kind, body, said.status, unknown.status))

    assert asked > 100
    assert wrong == []
    assert await digests(owner, side.victim_id) == before


async def test_the_matrix_sees_what_is_shown(side: Side, router: Router) -> None:
    """To their owner everything is shown: the matrix must say so of each place."""
    themselves = [Tenant("the victim", side.victim)]
    reads = Router()
    for method, path in router.routes():
        if method == "GET":
            reads.add(method, path, _unserved)

    assert len(await leaks_in_paths(side, reads, themselves)) > 2
    assert await leaks_in_queries(side, router, themselves)


async def test_lists_and_pages_show_nothing_of_others(side: Side, router: Router) -> None:
    wrong = []
    for method, path in router.routes():
        if method == "GET" and "{" not in path:
            for tenant in side.strangers:
                for query in ("", "?page=1&limit=100", "?page=2", "?limit=1", "?per_page=100"):
                    answer = await tenant.client.get(path + query)
                    if CANARY in answer.body.decode() + str(answer.headers):
                        wrong.append((tenant.name, path, query))

    assert wrong == []


@pytest.mark.usefixtures("sides")
async def test_nobody_is_told_of_others_events(owner: asyncpg.Connection[Any]) -> None:
    told = await owner.fetch(
        "SELECT e.application_id AS of, w.application_id AS told, d.application_id AS for"
        " FROM webhook_deliveries d JOIN events e ON e.id = d.event_id"
        " LEFT JOIN webhook_endpoints w ON w.id = d.endpoint_id"
    )

    assert len(told) > 3
    assert [row for row in told if len({row["of"], row["for"], row["told"] or row["of"]}) > 1] == []


async def test_a_key_of_one_application_opens_no_other(sides: dict[str, Side]) -> None:
    """Neopay's two credentials, and Notch Pay's key and grant, are of one application or none."""
    side = sides["neopay"]
    stranger = side.strangers[0].client
    mixed = stranger.with_headers(x_app_key=side.victim.headers["x-app-key"])
    assert (await mixed.get("/api/payments")).status == 401

    side = sides["notchpay"]
    grant = side.victim.headers["x-grant"]
    for tenant in side.strangers:
        mixed = tenant.client.with_headers(x_grant=grant)
        assert (await mixed.get("/balance")).status == 403


#: What Notch Pay's public key may do alone for a live application (ruling 9).
OPEN_TO_THE_PUBLIC_KEY = {
    "GET /", "GET /channels", "GET /countries", "GET /currencies",
    "POST /payments", "POST /payments/initialize", "GET /payments/{reference}",
    "PUT /payments/{reference}", "POST /payments/{reference}", "DELETE /payments/{reference}",
    "POST /checkout/initialize", "GET /checkout/{reference}", "POST /checkout/{reference}",
    "PUT /checkout/{reference}", "DELETE /checkout/{reference}", "GET /verify/{reference}",
}  # fmt: skip
#: And besides for a sandbox application, as documented.
OPEN_IN_SANDBOX = {
    "GET /payments", "GET /payments/search", "GET /customers", "POST /customers",
    "GET /customers/{id}", "POST /customers/{id}", "PUT /customers/{id}", "PATCH /customers/{id}",
    "DELETE /customers/{id}", "GET /customers/{id}/payment_methods", "GET /customers/{id}/payments",
    "POST /customers/{id}/block", "PUT /customers/{id}/block", "PATCH /customers/{id}/block",
    "POST /customers/{id}/unblock", "PUT /customers/{id}/unblock", "PATCH /customers/{id}/unblock",
    "GET /webhooks", "POST /webhooks", "GET /webhooks/{id}", "PUT /webhooks/{id}",
    "PATCH /webhooks/{id}", "POST /webhooks/{id}", "DELETE /webhooks/{id}",
}  # fmt: skip


@pytest.mark.parametrize("environment", ["live", "sandbox"])
async def test_the_public_key_opens_what_the_table_says_and_nothing_else(
    gateway: Gateway, make_shop: MakeShop, sides: dict[str, Side], environment: str
) -> None:
    shop = await make_shop(environment=environment)
    both = granting(sides["notchpay"].victim.app, shop)
    public = Client(
        both.app, {"authorization": shop.public_key, "content-type": "application/json"}
    )
    opened = set()
    for method, path in notchpay_routes(gateway).routes():
        answer = await _ask(public, method, path, "nothing")
        if answer.status != 403:
            opened.add(f"{method} {path}")
        granted = await _ask(both, method, path, "nothing")
        assert granted.status != 403, (method, path)

    allowed = OPEN_TO_THE_PUBLIC_KEY | (OPEN_IN_SANDBOX if environment == "sandbox" else set())
    assert opened == allowed


async def _unserved(_: Request) -> Reply:
    raise AssertionError


async def _ask(client: Client, method: str, path: str, name: str) -> Any:
    target = _PARAMETER.sub(quote(name, safe=""), path)
    body = None if method in {"GET", "DELETE"} else b"{}"
    return await client.call(method, target, body)


def _a_list(side: Side) -> str:
    return "/api/payments" if side.dialect == "neopay" else "/payments"


#: Calls whose very purpose is to move what is ours.
_MOVES = re.compile(r"publish|close|block|resume|/payments/\{|/checkout/\{|initialize|direct")


async def test_no_field_of_ours_is_set_by_sending_it(
    side: Side, router: Router, owner: asyncpg.Connection[Any]
) -> None:
    """Every column's name that is no documented field, to every write call: alone, and beside a
    body that the call takes.
    """
    names = set(await every_column(owner)) - documented(side.dialect)
    hostile = {name: value for name, value in (await every_column(owner)).items() if name in names}
    assert {"application_id", "environment", "fee_minor", "version"} <= hostile.keys()
    before, asked = await kept(owner, side.victim_id), 0
    for method, path in router.routes():
        if method not in {"POST", "PUT", "PATCH"} or _MOVES.search(path):
            continue
        for name in list(side.names.victims.values())[:8] if "{" in path else ["none"]:
            target = _PARAMETER.sub(quote(name, safe=""), path)
            for body in ({}, *VALID[side.dialect]):
                answer = await side.victim.call(method, target, encoded({**hostile, **body}))
                asked += 1
                assert answer.status < 500, (method, path, answer.body)
    after = await kept(owner, side.victim_id)

    assert asked > 50
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before
    assert [name for name, row in after.items() if is_marked(row)] == []
    assert {row["application_id"] for row in after.values()} == {side.victim_id}
