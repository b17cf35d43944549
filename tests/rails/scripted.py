"""A Yapily that answers as a test dictates: what the simulator would never say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from guichet.outbound.client import GuardedClient
from guichet.rails.yapily.rail import YapilyRail
from outbound.listeners import Writer, listening, untrusting
from rails.stage import SECRET

CONSENT_ID = "56a42244-414a-4b52-8c4f-4ad2a50e82fe"
TOKEN = "canary-of-the-consent-token"
NOW = datetime(2026, 11, 20, 16, tzinfo=UTC)


class StoppedClock:
    """Stands at ``NOW`` until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def move(self, by: timedelta) -> None:
        self.time += by


@dataclass
class Script:
    """What is answered to each operation, by the beginning of ``METHOD /path``."""

    rail: YapilyRail
    clock: StoppedClock
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)


def consent(status: str = "AUTHORIZED", **fields: Any) -> dict[str, Any]:
    return {"data": {"id": CONSENT_ID, "status": status, "consentToken": TOKEN, **fields}}


def problem(status: int, message: str = "no", **fields: Any) -> tuple[int, Any]:
    return status, {"error": {"code": status, "status": "A_WORD", "message": message, **fields}}


@asynccontextmanager
async def scripted(environment: str = "sandbox") -> AsyncIterator[Script]:
    answers: dict[str, tuple[int, Any]] = {}
    calls: list[str] = []

    async def handler(request: bytes, writer: Writer) -> None:
        line = request.split(b" HTTP/1.1", 1)[0].decode()
        calls.append(line.split("?")[0])
        status, told = next(
            answer for beginning, answer in answers.items() if line.startswith(beginning)
        )
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        head = f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    async with listening(handler) as server, GuardedClient(untrusting()) as client:
        clock = StoppedClock()
        rail = YapilyRail(client, server.url, "application", SECRET, environment, 2, clock)
        yield Script(rail, clock, answers, calls)
