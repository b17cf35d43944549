"""The harness's merchants, as the first application of ``gateways`` unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from gateways import APPLICATION_ID, TOKEN
from guichet.torture import calls
from guichet.torture.calls import Answer, payment_body, request_bytes
from relay import judge_at, judging_hooks

__all__ = ["Answer", "Merchant", "payment_body", "release_together", "request_bytes"]


async def release_together(requests: Sequence[tuple[str, bytes]]) -> list[Answer]:
    """As the harness's, with every answer judged by its document."""
    answers = await calls.release_together(requests)
    for (_, request), answer in zip(requests, answers, strict=True):
        method, target, _ = request.split(b" ", 2)
        path = urlsplit(target.decode()).path
        headers = {"content-type": "application/json", "retry-after": answer.retry_after or ""}
        judge = judge_at(path)
        if judge is not None:
            judge.response(method.decode(), path, answer.status, headers, answer.body)
    return answers


class Merchant(calls.Merchant):
    """A merchant of the test's own database."""

    def __init__(
        self,
        url: str,
        timeout_seconds: float = 10,
        application_id: UUID = APPLICATION_ID,
        token: str = TOKEN,
    ) -> None:
        super().__init__(url, application_id, token, timeout_seconds)
        self._client.event_hooks = judging_hooks()
