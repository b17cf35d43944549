"""The fourth book: a merchant's receiver of notifications, in a process of its own.

``python -m torture.receiver PORT BOOK SECRET`` writes a line for each request: its bytes, and what
the public verifier of Standard Webhooks says about them. Of every seventh event it refuses the
first try, so that there are retries to compare.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

_REFUSED_OF = 7


class Receipt(NamedTuple):
    """One request as it came. ``flaw``: what the verifier found wrong."""

    event_id: str
    body: bytes
    flaw: str | None
    status: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) == length:  # else the sender was killed on the way: nothing was said
            self.server.receive(self, body)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """Takes notifications and keeps the book."""

    daemon_threads = True

    def __init__(self, port: int, book: Path, secret: bytes) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._book = book.open("a", buffering=1)
        self._verifier = Webhook(secret)
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def receive(self, request: _Handler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        event_id = headers.get("webhook-id", "")
        flaw = None
        try:
            self._verifier.verify(body, headers)
        except WebhookVerificationError as error:
            flaw = str(error)
        with self._lock:
            refused = event_id not in self._seen and sum(event_id.encode()) % _REFUSED_OF == 0
            self._seen.add(event_id)
            status = 500 if refused else 204
            text = base64.b64encode(body).decode()
            line = {"event_id": event_id, "body": text, "flaw": flaw, "status": status}
            self._book.write(json.dumps(line) + "\n")
        request.send_response(status)
        request.send_header("content-length", "0")
        request.end_headers()


def read_receipts(book: Path) -> list[Receipt]:
    """What the file says; a last line still being written is left out."""
    receipts = []
    for line in book.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            content: dict[str, Any] = json.loads(line)
            content["body"] = base64.b64decode(content["body"])
            receipts.append(Receipt(**content))
    return receipts


if __name__ == "__main__":
    Receiver(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].encode()).serve_forever()
