"""A judge of our own answers: is this what the OpenAPI documents say that we publish?

The tests' clients ask it about every answer, so an undocumented status, key or type anywhere is a
failure of the test that met it. Schemas are compiled once per process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from guichet.dialects.neopay.openapi import NEOPAY
from guichet.dialects.notchpay.app import SEGMENTS
from guichet.dialects.notchpay.cors import Cors
from guichet.dialects.notchpay.openapi import NOTCHPAY
from guichet.dialects.openapi.documents import document
from guichet.server.site import Site

DIALECTS = {"neopay": NEOPAY, "notchpay": NOTCHPAY}
SERVER = "https://pay.example"


class Undocumented(AssertionError):
    """An answer is not what the document says; the text says why."""


class Documented:
    """Judges answers by one document."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        self.document = made
        self._templates = [(path.split("/"), path) for path in made["paths"]]
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def response(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Raises ``Undocumented`` unless this may be answered; ``headers`` by lower-case name."""
        if method == "OPTIONS":
            return None  # CORS and Allow, which OpenAPI does not describe
        template = self.template_of(path)
        told = f"{status} to {method} {template or path}"
        if template is None:
            return self._refused(told, status, 404, body)
        operations = self.document["paths"][template]
        operation = operations.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            return self._refused(told, status, 405, body)
        response = self._resolved(operation["responses"].get(str(status)))
        if response is None:
            raise Undocumented(f"{told}: the status is not documented: {body[:300]!r}")
        self._judge_headers(told, response, headers)
        if method == "HEAD":
            return None
        return self._judge_content(told, response, headers.get("content-type", ""), body)

    def notice(self, name: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ``Undocumented`` unless merchants may be sent this: the webhook of that name."""
        operation = self.document["webhooks"][name]["post"]
        told = f"the notice {name}"
        for parameter in operation["parameters"]:
            value = headers.get(parameter["name"].lower())
            if value is not None and (wrong := self.wrong_with(parameter["schema"], value)):
                raise Undocumented(f"{told}: {parameter['name']}: {'; '.join(wrong)}")
        self._judge(told, operation["requestBody"]["content"]["application/json"]["schema"], body)

    def template_of(self, path: str) -> str | None:
        """The documented path that ``path`` (decoded) is an instance of."""
        segments = (path.rstrip("/") or "/").split("/")
        found = [
            template
            for pattern, template in self._templates
            if len(pattern) == len(segments)
            and all(
                own == expected or (expected.startswith("{") and own)
                for expected, own in zip(pattern, segments, strict=True)
            )
        ]
        return min(found, key=lambda template: template.count("{"), default=None)

    def _refused(self, told: str, status: int, expected: int, body: bytes) -> None:
        """What no operation answers: an error all the same."""
        if status != expected:
            raise Undocumented(f"{told}: there is no such operation")
        self._judge(told, {"$ref": "#/components/schemas/Error"}, body)

    def _judge_headers(
        self, told: str, response: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        for name, reference in response.get("headers", {}).items():
            header, value = self._resolved(reference), headers.get(name.lower())
            if value is None and header.get("required"):
                raise Undocumented(f"{told}: the header {name} is missing")
            if value is not None and header["schema"]["type"] == "integer" and not value.isdigit():
                raise Undocumented(f"{told}: {name} is {value!r}")

    def _judge_content(
        self, told: str, response: Mapping[str, Any], content_type: str, body: bytes
    ) -> None:
        content = response.get("content")
        if content is None:
            if body:
                raise Undocumented(f"{told}: no body is documented")
            return
        media = content.get(content_type.partition(";")[0])
        if media is None:
            raise Undocumented(f"{told}: the content type {content_type!r} is not documented")
        if content_type == "application/json":
            self._judge(told, media["schema"], body)

    def _judge(self, told: str, schema: Any, body: bytes) -> None:
        wrong = self.wrong_with(schema, json.loads(body))
        if wrong:
            raise Undocumented(f"{told}: {'; '.join(wrong)}")

    def wrong_with(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        """What of ``value`` is not as one of the document's schemas says."""
        key = json.dumps(schema)
        validator = self._validators.get(key)
        if validator is None:
            whole = {**schema, "components": self.document["components"]}
            validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[key] = validator
        return [
            f"{'.'.join(map(str, error.instance_path)) or 'the body'}: {error.message[:400]}"
            for error in validator.iter_errors(value)
        ]

    def _resolved(self, part: Any) -> Any:
        if isinstance(part, dict) and "$ref" in part:
            _, _, kind, name = part["$ref"].split("/")
            return self.document["components"][kind][name]
        return part


def judge_of(app: Any, path: str) -> Documented | None:
    """The judge of what ``app`` answers at ``path``; None for what is no dialect's."""
    if isinstance(app, Cors):
        return documented("notchpay")
    segment = path[1:].partition("/")[0]
    if segment == "api" and (isinstance(app, Site) or app.serves("/api/payments")):
        return documented("neopay")
    return documented("notchpay") if isinstance(app, Site) and segment in SEGMENTS else None


def judge_notice(headers: Mapping[str, str], body: bytes) -> None:
    """Judges what either dialect sent a merchant's server; ``headers`` by lower-case name."""
    if "x-neopay-event" in headers:
        documented("neopay").notice(headers["x-neopay-event"], headers, body)
    else:
        noun = json.loads(body)["event"].partition(".")[0]
        documented("notchpay").notice(noun, headers, body)


@cache
def documented(dialect: str) -> Documented:
    """The judge by the document of ``neopay`` or ``notchpay``."""
    return Documented(document(DIALECTS[dialect], SERVER))
