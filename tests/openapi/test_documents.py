"""The OpenAPI documents say what there is: every route, in valid OpenAPI, with true examples."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from documented import DIALECTS, SERVER, Documented, documented
from guichet.dialects.neopay import app as neopay
from guichet.dialects.notchpay import app as notchpay
from guichet.dialects.openapi.documents import document
from guichet.gateway import Gateway
from guichet.web.asgi import Router

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES: dict[str, Callable[[Gateway], Router]] = {
    "neopay": neopay.build_routes,
    "notchpay": notchpay.build_routes,
}
dialects = pytest.mark.parametrize("name", ROUTES)


def operations(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in documented(name).document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


@dialects
async def test_every_route_is_documented_and_nothing_else(name: str, gateway: Gateway) -> None:
    routes = {f"{method} {path}" for method, path in ROUTES[name](gateway).routes()}

    assert routes == {route for route, _ in operations(name)}


@dialects
async def test_document_is_openapi(name: str) -> None:
    made = document(DIALECTS[name], "https://pay.example/gateway")

    assert [error.message for error in OpenAPIV31SpecValidator(made).iter_errors()] == []
    assert made["servers"] == [{"url": "https://pay.example/gateway"}]


@dialects
async def test_operations_are_described_and_shown(name: str) -> None:
    identifiers = [operation["operationId"] for _, operation in operations(name)]
    assert len(set(identifiers)) == len(identifiers)

    for route, operation in operations(name):
        assert operation["summary"], route
        assert {"200", "201", "202"} & operation["responses"].keys(), route
        assert operation["x-codeSamples"][0]["source"].startswith("curl -s "), route
        assert ("x-alias-of" not in operation) or operation["deprecated"], route


@dialects
async def test_lines_for_curl_say_what_the_first_example_does(name: str) -> None:
    for route, operation in operations(name):
        if "x-alias-of" in operation:
            continue
        words = shlex.split(operation["x-codeSamples"][0]["source"].replace("\\\n", " "))
        method, _, path = route.partition(" ")
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(f"{SERVER}{path}"))
        assert any(re.fullmatch(pattern, word) for word in words), words
        sent = words[words.index("-d") + 1] if "-d" in words else None
        implied = "GET" if sent is None else "POST"
        assert (words[words.index("-X") + 1] if "-X" in words else implied) == method
        content = operation.get("requestBody", {}).get("content", {})
        shown = content.get("application/json", {}).get("examples")
        assert (sent is None) == (shown is None), route
        if sent is not None:
            assert json.loads(sent) == next(iter(shown.values()))["value"]


def contents(judge: Documented) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that has a schema and examples of it, by where it stands."""
    made = judge.document
    for path, item in (*made["paths"].items(), *made["webhooks"].items()):
        for method, operation in item.items():
            parts = [operation.get("requestBody", {}), *operation["responses"].values()]
            for part in parts:
                for content in part.get("content", {}).values():
                    yield f"{method} {path}", content
    for label, response in made["components"]["responses"].items():
        yield label, response["content"]["application/json"]


@dialects
async def test_examples_are_what_the_schemas_say(name: str) -> None:
    judge, count = documented(name), 0
    for where, content in contents(judge):
        for example in content.get("examples", {}).values():
            assert judge.wrong_with(content["schema"], example["value"]) == [], where
            count += 1

    assert count > 40


@dialects
async def test_path_parameters_are_those_of_the_path(name: str) -> None:
    for route, operation in operations(name):
        named = {
            parameter["name"]
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "path"
        }
        assert named == {part[1:-1] for part in route.split("/") if part.startswith("{")}, route


@dialects
async def test_every_component_is_used(name: str) -> None:
    made = documented(name).document
    text = str(made)

    for kind in ("schemas", "responses", "headers"):
        for label in made["components"][kind]:
            assert f"#/components/{kind}/{label}'" in text, label
