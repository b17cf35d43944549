"""Requests made from the documents that we publish: right ones, wrong ones, and right ones with a
part that is wrong, so that they come further than chance alone.

How many and from which seed: FUZZ_REQUESTS and FUZZ_SEED (``make fuzz``).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from documented import documented
from wire.client import Answer, Client

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
log = logging.getLogger(__name__)
_SERVER = "http://fuzz.example"
#: How often an operation is tried: bodies have more ways to be wrong.
_WITH_BODY, _WITHOUT_BODY = 4, 1


@dataclass(frozen=True)
class Known:
    """What exists: ids by the paths that take them, and values that fields of bodies accept."""

    ids: Mapping[str, Sequence[str]]
    fields: Mapping[str, Sequence[Any]]


@dataclass
class Tally:
    """What was sent and answered."""

    statuses: Counter[int] = field(default_factory=Counter)

    def __str__(self) -> str:
        answered = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        return f"seed {SEED}, {self.statuses.total()} requests, {answered}"


async def fuzz(dialect: str, client: Client, known: Known, count: int) -> Tally:
    """Send about ``count`` requests; each answer is judged, and none may be a failure of ours.

    The generator works in a thread of its own and waits there for each answer.
    """
    loop, tally = asyncio.get_running_loop(), Tally()

    def send(prepared: requests.PreparedRequest) -> Answer:
        calling = asyncio.run_coroutine_threadsafe(_send(client, prepared), loop)
        return calling.result(timeout=60)

    def generate() -> None:
        chosen = list(_operations(dialect))
        total = sum(weight for _, weight in chosen)
        for operation, weight in chosen:
            wanted = max(count * weight // total, 1)
            _try(operation, known, wanted, send, tally)

    await asyncio.to_thread(generate)
    log.info("%s: %s", dialect, tally)
    return tally


def _operations(dialect: str) -> Iterator[tuple[Any, int]]:
    """The operations, aliases aside, and how often each is tried."""
    made: Any = schemathesis.openapi.from_dict(dict(documented(dialect).document))
    for result in made.get_all_operations():
        operation = result.ok()
        if "x-alias-of" not in operation.definition.raw:
            yield operation, _WITH_BODY if operation.body else _WITHOUT_BODY


def _try(operation: Any, known: Known, count: int, send: Any, tally: Tally) -> None:
    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(_requests(operation, known))
    def answered_as_documented(prepared: requests.PreparedRequest) -> None:
        answer = send(prepared)
        tally.statuses[answer.status] += 1
        assert answer.status < 500 or answer.status == 503, _told(prepared, answer)

    answered_as_documented()


def _requests(operation: Any, known: Known) -> st.SearchStrategy[requests.PreparedRequest]:
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    cases = right
    if operation.body or operation.query:  # of the rest nothing can be wrong
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        cases = st.one_of(right, right, wrong)
    accepted = st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in known.fields.items()}
    )
    ids = list(known.ids.get(operation.path.split("{")[0], ()))

    @st.composite
    def drawn(draw: st.DrawFn) -> requests.PreparedRequest:
        case: Any = draw(cases)
        if draw(st.booleans()) and ids:
            one = draw(st.sampled_from(ids))
            case.path_parameters = dict.fromkeys(case.path_parameters, one)
        if isinstance(case.body, dict) and draw(st.booleans()):
            case.body = case.body | draw(accepted)
        return _prepared(case)

    return drawn()


def _prepared(case: Any) -> requests.PreparedRequest:
    named = case.as_transport_kwargs(base_url=_SERVER)
    parts = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    try:
        return requests.Request(**{name: named[name] for name in parts if name in named}).prepare()
    except (requests.RequestException, UnicodeError):
        return reject()  # what no client can send


async def _send(client: Client, prepared: requests.PreparedRequest) -> Answer:
    parts = urlsplit(prepared.url or "")
    own = {"authorization", "x-app-key", "x-grant", "content-length", "cookie"}
    headers: dict[str, str | None] = {
        name: value if isinstance(value, str) else value.decode("latin-1")
        for name, value in prepared.headers.items()
        if name.lower() not in own
    }
    body: Any = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return await client.call(prepared.method or "GET", target, body, headers=headers)


def _told(prepared: requests.PreparedRequest, answer: Answer) -> str:
    return f"{prepared.method} {prepared.url} {prepared.body!r} -> {answer}"
