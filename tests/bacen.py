"""Banco Central's file of the API Pix 2.9.0, made fit to judge by.

As published it refuses true exchanges and lets false ones pass. Each patch below stands for one
defect and says what it is; ``patched`` applies them to a copy, so that the file itself stays as it
was published, and a test can leave any of them out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Patch = Callable[[dict[str, Any]], None]

NAME = "bacen-pix.yaml"
HOST = "https://pix.example.com"
CALLBACK = "/callback"
LOCATION = "/location"


def examples_of_another_kind(file: dict[str, Any]) -> None:
    """The examples break their own schemas."""
    for node in _schemas(file):
        node.pop("examples", None)
        node.pop("example", None)


def slashes_in_patterns(file: dict[str, Any]) -> None:
    """12 patterns of a CPF and 2 of a municipality are JavaScript, ``/^\\d{11}$/``: no CPF fits."""
    for schema in _schemas(file):
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and pattern.startswith("/") and pattern.endswith("/"):
            schema["pattern"] = pattern[1:-1]


def open_patterns(file: dict[str, Any]) -> None:
    """Patterns without ``^`` and ``$`` take anything around what they mean."""
    for schema in _schemas(file):
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not pattern.startswith(("^", "/")):
            schema["pattern"] = f"^{pattern}$"


def expiry_default_is_text(file: dict[str, Any]) -> None:
    """The default of the integer ``expiracao`` is the text ``86400``."""
    file["components"]["schemas"]["CobExpiracao"]["properties"]["expiracao"]["default"] = 86400


def locations_are_no_uris(file: dict[str, Any]) -> None:
    """``location`` is host and path without a scheme, which the format ``uri`` forbids."""
    for schema in _schemas(file):
        location = schema.get("properties", {}).get("location")
        if isinstance(location, dict):
            location.pop("format", None)


def location_without_its_txid(file: dict[str, Any]) -> None:
    """``CobGerada.loc`` requires a ``txid`` that its schema does not have; another one has it."""
    for part in file["components"]["schemas"]["CobGerada"]["allOf"]:
        if "loc" in part.get("properties", {}):
            reference = "#/components/schemas/PayloadLocationCompleta"
            part["properties"]["loc"] = {"allOf": [{"$ref": reference}]}


def lists_require_what_they_have_not(file: dict[str, Any]) -> None:
    """``PixConsultados`` requires ``cobs``, charges in ``CobsConsultadas`` an ``idCob``."""
    schemas = file["components"]["schemas"]
    schemas["PixConsultados"]["required"] = ["parametros", "pix"]
    items = schemas["CobsConsultadas"]["properties"]["cobs"]["items"]["allOf"]
    items[1]["required"] = ["status", "txid"]


def short_txids(file: dict[str, Any]) -> None:
    """The txid of a Pix may be short (a static code's), but ``allOf`` asks for a charge's too."""
    short = {"type": "string", "pattern": "^[a-zA-Z0-9]{1,35}$"}
    file["components"]["schemas"]["Pix"]["properties"]["txid"] = short
    for parameter in file["paths"]["/pix"]["get"]["parameters"]:
        if parameter.get("name") == "txid":
            parameter["schema"] = short


def read_only_yet_sent(file: dict[str, Any]) -> None:
    """``revisao`` and ``loc.id`` are marked as read only, but requests carry them as well."""
    for name in ("Revisao", "PayloadLocationId"):
        del file["components"]["schemas"][name]["readOnly"]


def parts_of_a_value(file: dict[str, Any]) -> None:
    """``componentesValor`` lists its fields as alternatives, though several may stand together."""
    schema = file["components"]["schemas"]["Pix"]["properties"]["componentesValor"]
    schema["allOf"] = schema.pop("anyOf")


def answers_said_in_prose_only(file: dict[str, Any]) -> None:
    """400 of lists stands in the prose of the file alone, 401 in RFC 6750 alone."""
    problem = {
        "description": "Problema",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problema"}}
        },
    }
    for path, method in [
        ("/cob", "get"),
        ("/cob/{txid}", "get"),
        ("/pix", "get"),
        ("/webhook", "get"),
    ]:
        file["paths"][path][method]["responses"]["400"] = copy.deepcopy(problem)
    for _, operation in _operations(file):
        if operation.get("security"):
            operation["responses"]["401"] = copy.deepcopy(problem)


def tokens_are_bearers(file: dict[str, Any]) -> None:
    """The judge knows no OAuth 2.0; what a request carries is a bearer token."""
    file["components"]["securitySchemes"]["OAuth2"] = {"type": "http", "scheme": "bearer"}


def one_server(file: dict[str, Any]) -> None:
    """Servers with free parts would match any path, so that nothing is unknown."""
    file["servers"] = [{"url": HOST}]
    for path, operation in list(_operations(file)):
        if "servers" in operation:
            del file["paths"][path]
            if path == "/{pixUrlAccessToken}":
                del operation["servers"]
                content = operation["responses"]["200"]["content"]
                # A JWS: what is judged is its payload.
                content["application/json"] = content.pop("application/jose")
                parameters = [
                    {
                        "name": "pixUrlAccessToken",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ]
                file["paths"][LOCATION + path] = {"parameters": parameters, "get": operation}


def callback_as_a_path(file: dict[str, Any]) -> None:
    """What the PSP posts to a webhook is judged as a path of its own."""
    callbacks = file["paths"]["/webhook/{chave}"]["put"]["callbacks"]["listaPix"]
    callback = callbacks["{$request.body#/webhookUrl}/pix"]
    schema = file["components"]["requestBodies"]["WebhookPixBody"]["content"]["application/json"]
    schema["schema"] |= {"type": "object", "required": ["pix"]}
    file["paths"][f"{CALLBACK}/pix"] = callback


def scattered_objects(file: dict[str, Any]) -> None:
    """Objects are put together by ``allOf``, so that no part can say which names are unknown."""
    file["components"]["schemas"] = {
        name: _joined(schema, file) for name, schema in file["components"]["schemas"].items()
    }
    for name in ("requestBodies", "responses"):
        for part in file["components"][name].values():
            _join_content(part, file)
    for _, operation in _operations(file):
        for answer in operation.get("responses", {}).values():
            _join_content(answer, file)


PATCHES: tuple[Patch, ...] = (
    examples_of_another_kind,
    slashes_in_patterns,
    expiry_default_is_text,
    locations_are_no_uris,
    location_without_its_txid,
    lists_require_what_they_have_not,
    short_txids,
    read_only_yet_sent,
    parts_of_a_value,
    open_patterns,
    answers_said_in_prose_only,
    tokens_are_bearers,
    one_server,
    callback_as_a_path,
    scattered_objects,
)


def patched(file: dict[str, Any], *, without: Patch | None = None) -> dict[str, Any]:
    """A copy of the file with every patch, or every one but ``without``."""
    result = copy.deepcopy(file)
    result["components"].pop(
        "examples", None
    )  # they break their own schemas, and nobody reads them
    for patch in PATCHES:
        if patch is not without:
            patch(result)
    return result


def _operations(file: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in file["paths"].items():
        for method in ("get", "put", "post", "patch", "delete"):
            if method in methods:
                yield path, methods[method]


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schemas(value)


def _join_content(part: dict[str, Any], file: dict[str, Any]) -> None:
    for content in part.get("content", {}).values():
        if "schema" in content:
            content["schema"] = _joined(content["schema"], file)


def _joined(schema: Any, file: dict[str, Any]) -> Any:
    """The schema with each ``allOf`` of objects made one object, at every depth."""
    if isinstance(schema, list):
        return [_joined(each, file) for each in schema]
    if not isinstance(schema, dict):
        return schema
    joined = {name: _joined(value, file) for name, value in schema.items() if name != "allOf"}
    for part in schema.get("allOf", []):
        whole = _joined(_resolved(part, file), file)
        if not whole.keys() & {"properties", "required"}:
            joined.setdefault("allOf", []).append(whole)
            continue
        properties = joined.setdefault("properties", {})
        for name, value in whole.get("properties", {}).items():
            properties[name] = _both(properties.get(name), value)
        if required := {*joined.get("required", []), *whole.get("required", [])}:
            joined["required"] = sorted(required)
    return joined


def _both(one: Any, other: Any) -> Any:
    if one is None or one == other:
        return other
    if "properties" in one and "properties" in other:
        names = {**one["properties"], **other["properties"]}
        properties = {
            name: _both(one["properties"].get(name), other["properties"].get(name, names[name]))
            for name in names
        }
        required = sorted({*one.get("required", []), *other.get("required", [])})
        extra = {"required": required} if required else {}
        return {"type": "object", "properties": properties, **extra}
    return {"allOf": [one, other]}


def _resolved(schema: dict[str, Any], file: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    node: Any = file
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    found: dict[str, Any] = node
    return found
