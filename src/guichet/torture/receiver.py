"""The fourth book: merchants' receivers of notifications, in a process of their own.

``python -m guichet.torture.receiver PORT BOOK HOOKS`` writes a line for each request: its bytes,
and what the verifier says about them. ``HOOKS`` is a file of JSON that says for each path whose
secrets count there and how it behaves (``write_hooks``); it is read again whenever it has changed.
An honest path refuses the first try of every seventh event: there are retries to compare.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from guichet.torture.signatures import flaw_of

_REFUSED_OF = 7
#: Longer than anybody waits for an answer.
_HANG_SECONDS = 120.0
_ENDLESS_CHUNKS = 100_000
_CHUNK = b"x" * 1024

#: How a hostile path answers; ``bad_tls`` needs none of it: plain HTTP speaks no TLS.
BEHAVIOURS = ("hang", "drip", "endless", "redirect", "reset", "error", "gone", "bad_tls")


class Hook(NamedTuple):
    """Whose notifications a path takes, and how it ``behaves``; "" is honest."""

    secret: str
    hash_key: str | None = None
    behaves: str = ""


class Receipt(NamedTuple):
    """One request as it came. ``flaw``: what the verifier found wrong. ``at``: seconds (epoch)."""

    event_id: str
    body: bytes
    flaw: str | None
    status: int
    path: str = ""
    at: float = 0.0


def write_hooks(file: Path, hooks: Mapping[str, Hook]) -> None:
    """Say what is behind each path; the file changes at once and whole."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({path: each._asdict() for path, each in hooks.items()}))
    fresh.replace(file)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) == length:  # else the sender was killed on the way: nothing was said
            with suppress(OSError):
                self.server.receive(self, body)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """Takes notifications and keeps the book."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, book: Path, hooks: Path) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._book = book.open("a", buffering=1)
        self._file = hooks
        self._read_at = 0.0
        self._hooks: dict[str, Hook] = {}
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def receive(self, request: _Handler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        event_id = headers.get("webhook-id", "")
        with self._lock:
            hook = self._hook(request.path)
            flaw = "nobody listens here"
            if hook is not None:
                flaw = flaw_of(headers, body, hook.secret, hook.hash_key) or ""
                flaw *= not hook.behaves  # a hostile one looks at nothing
            refused = event_id not in self._seen and sum(event_id.encode()) % _REFUSED_OF == 0
            self._seen.add(event_id)
            behaves = hook.behaves if hook else ""
            status = {"gone": 410}.get(behaves, 500 if behaves or refused else 204)
            text = base64.b64encode(body).decode()
            line: dict[str, Any] = {
                "event_id": event_id,
                "body": text,
                "flaw": flaw or None,
                "status": status,
            }
            line |= {"path": request.path, "at": time.time()}
            self._book.write(json.dumps(line) + "\n")
        if behaves in ("", "error", "gone"):
            request.send_response(status)
            request.send_header("content-length", "0")
            request.end_headers()
        else:
            _misbehave(request, behaves)

    def _hook(self, path: str) -> Hook | None:
        changed_at = self._file.stat().st_mtime
        if changed_at != self._read_at:
            content = json.loads(self._file.read_text())
            self._hooks = {name: Hook(**each) for name, each in content.items()}
            self._read_at = changed_at
        return self._hooks.get(path)


def _misbehave(request: _Handler, how: str) -> None:
    request.close_connection = True
    if how == "hang":
        time.sleep(_HANG_SECONDS)
    elif how == "reset":
        linger = struct.pack("ii", 1, 0)  # close at once, with RST
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    elif how == "redirect":
        request.send_response(307)
        request.send_header("location", "http://127.0.0.1:9/elsewhere")
        request.send_header("content-length", "0")
        request.end_headers()
    else:
        request.send_response(200)
        request.send_header("content-length", str(_ENDLESS_CHUNKS * len(_CHUNK)))
        request.end_headers()
        for _ in range(_ENDLESS_CHUNKS):
            request.wfile.write(_CHUNK if how == "endless" else b"x")
            if how == "drip":
                time.sleep(1)


def read_receipts(book: Path) -> list[Receipt]:
    """What the file says; a last line still being written is left out."""
    receipts = []
    for line in book.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            content: dict[str, Any] = json.loads(line)
            content["body"] = base64.b64decode(content["body"])
            receipts.append(Receipt(**content))
    return receipts


def main(arguments: list[str]) -> None:
    """Serve until the end."""
    port, book, hooks = arguments
    Receiver(int(port), Path(book), Path(hooks)).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
