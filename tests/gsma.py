"""GSMA's file of the Mobile Money API 1.2, made fit to judge by.

As published it lets false exchanges pass. Each patch below stands for one defect and says what it
is; ``patched`` applies them to a copy, so that the file itself stays as it was published.
"""

from __future__ import annotations

import copy
from typing import Any

NAME = "gsma-mm.yaml"
HOST = "https://mm.example.com"
CALLBACK = "/callback"


def one_server(file: dict[str, Any]) -> None:
    """The server's address has a path of GSMA's own simulator."""
    file["servers"] = [{"url": HOST}]


def parties_apart(file: dict[str, Any]) -> None:
    """Parties stand in another part of ``allOf`` than the rest: no part can say what is unknown."""
    schemas = file["components"]["schemas"]
    names = ("creditParty", "debitParty")
    for name in ("requestTransactionType", "responseTransactionType"):
        whole, _ = schemas[name]["allOf"]
        whole["properties"] |= {
            each: {"$ref": f"#/components/schemas/{each}Array"} for each in names
        }
        whole["anyOf"] = [
            {"type": "object", "required": [each], "additionalProperties": True} for each in names
        ]
        schemas[name] = whole


def clients_unnamed(file: dict[str, Any]) -> None:
    """That every request says who asks stands in GSMA's prose alone."""
    file["components"]["securitySchemes"] = {
        "client": {"type": "http", "scheme": "basic"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    file["security"] = [{"client": [], "key": []}]


def callback_as_a_path(file: dict[str, Any]) -> None:
    """What an operator puts to a callback's address is judged as a path of its own."""
    callbacks = file["paths"]["/transactions/type/{transactionType}"]["post"]["callbacks"]
    events = [next(iter(each.values()))["put"] for each in callbacks.values()]
    content = [
        file["components"]["requestBodies"][event["requestBody"]["$ref"].rpartition("/")[2]]
        for event in events
    ]
    schemas = [each["content"]["application/json"]["schema"] for each in content]
    body = {"required": True, "content": {"application/json": {"schema": {"anyOf": schemas}}}}
    operation = events[0] | {"requestBody": body, "security": []}
    file["paths"][CALLBACK] = {"put": operation}


PATCHES = (one_server, parties_apart, clients_unnamed, callback_as_a_path)


def patched(file: dict[str, Any]) -> dict[str, Any]:
    """A copy of the file with every patch."""
    result = copy.deepcopy(file)
    for patch in PATCHES:
        patch(result)
    return result
