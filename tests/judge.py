"""A judge of HTTP exchanges: is this request, is this answer, what the provider's own file says?

It wraps openapi-core around a provider's OpenAPI file kept in ``../shared/specs`` beside the
repository (other people's terms: never copied into it). Where that folder is absent the tests that
need it skip, loudly; in CI they fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema_path.readers import FilePathReader
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import Headers, ImmutableMultiDict

import absent
import bacen
import gsma

_PATCHED = {bacen.NAME: bacen.patched, gsma.NAME: gsma.patched}


class Violation(AssertionError):
    """A request or an answer is not what the provider's file says; the text says why."""


class Judge:
    """Judges exchanges by one OpenAPI file.

    ``base_url`` is where the provider (or its simulator) is mounted, so that
    ``http://127.0.0.1:8000/simulators/yapily/payments`` is judged as ``/payments``.
    Names that the file does not know are violations too: a misspelt optional field would
    otherwise pass unseen.
    """

    def __init__(self, specification: Mapping[str, Any], base_url: str = "") -> None:
        self._base_path = urlsplit(base_url).path.rstrip("/")
        self._host = specification["servers"][0]["url"].rstrip("/")
        for operation in _operations(specification):
            _take_any_charset(operation)
        config = Config(
            spec_validator_cls=None,
            additional_properties_default_policy="forbid",
            extra_media_type_deserializers={"application/problem+json": json.loads},
        )
        self._specification = OpenAPI.from_dict(dict(specification), config=config)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Raises ``Violation`` unless this request is one that the provider takes."""
        try:
            self._specification.validate_request(self._request(method, url, headers, body))
        except OpenAPIError as error:
            raise Violation(f"request {method} {url}: {_reasons(error)}") from error

    def response(
        self,
        method: str,
        url: str,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Raises ``Violation`` unless the provider could have given this answer."""
        plain = Headers(list((headers or {}).items()))
        answer = MockResponse(
            data=body,
            status_code=status,
            headers=dict(plain),
            content_type=plain.get("content-type", ""),
        )
        try:
            self._specification.validate_response(self._request(method, url, None, b""), answer)
        except OpenAPIError as error:
            raise Violation(f"answer {status} to {method} {url}: {_reasons(error)}") from error

    def exchange(self, answer: Any) -> None:
        """Judges an httpx2 response together with the request it answers."""
        request = answer.request
        url = str(request.url)
        self.request(request.method, url, headers=request.headers, body=request.content)
        self.response(
            request.method, url, answer.status_code, headers=answer.headers, body=answer.content
        )

    def _request(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes
    ) -> MockRequest:
        parts = urlsplit(url)
        if not parts.path.startswith(self._base_path + "/"):
            raise Violation(f"{url} is not under {self._base_path}/")
        plain = Headers(list((headers or {}).items()))
        request = MockRequest(
            host_url=self._host,
            method=method,
            path=parts.path[len(self._base_path) :],
            headers=dict(plain),
            data=body,
            content_type=plain.get("content-type", "").lower(),
        )
        request.parameters.query = ImmutableMultiDict(
            parse_qsl(parts.query, keep_blank_values=True)
        )
        return request


def _operations(specification: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in specification["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                yield operation


def _take_any_charset(operation: dict[str, Any]) -> None:
    # JSON has no charset (RFC 8259, section 11): the file's parameter must not decide.
    for part in [operation.get("requestBody", {}), *operation.get("responses", {}).values()]:
        content = part.get("content", {})
        for name in list(content):
            content[name.split(";")[0]] = content.pop(name)


def _reasons(error: OpenAPIError) -> str:
    cause = error.__cause__
    found = getattr(cause, "schema_errors", ())
    details = [f"{'.'.join(map(str, each.absolute_path))}: {each.message}"[:300] for each in found]
    return "; ".join(details or [str(each)[:600] for each in (error, cause) if each])


@cache
def specification_of(name: str) -> Any:
    """The file as it was published; skips the test, loudly, where it is absent."""
    path = absent.spec(name)
    if path.suffix == ".json":
        return json.loads(path.read_bytes())
    return FilePathReader(str(path)).read()[0]


@cache
def _specification(name: str) -> Any:
    file = specification_of(name)
    return _PATCHED[name](file) if name in _PATCHED else file


@cache
def judge_of(name: str, base_url: str = "") -> Judge:
    """The judge by ``../shared/specs/{name}``; skips the test, loudly, where it is absent.

    One judge serves all tests: what it learns about the file makes it quick.
    """
    return Judge(_specification(name), base_url)


def judge_if_there(name: str, base_url: str = "") -> Judge | None:
    """The same judge; None where the file is absent, so that the test proves what it can without
    it. In CI the test fails instead.
    """
    if (absent.SPECS / name).exists() or absent.in_ci():
        return judge_of(name, base_url)
    return None
