"""The relay changes nothing of what passes, and sees what no document describes."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from guichet.dialects.neopay.openapi import examples
from relay import Relay, relayed

ANSWERS = {
    f"/api/payments/{examples.PAYMENT_ID}": {"payment": examples.PAYMENT},
    "/api/payments/x": {"payment": examples.PAYMENT | {"note": "planted"}},
    "/elsewhere": {"anything": True},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing."""


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    with relayed(f"http://127.0.0.1:{server.server_port}") as made:
        yield made
    server.shutdown()
    serving.join()
    server.server_close()


def test_bytes_pass_and_differences_are_noted(relay: Relay) -> None:
    connection = http.client.HTTPConnection(urlsplit(relay.url).netloc)
    for path, expected in ANSWERS.items():
        connection.request("GET", path)
        assert json.loads(connection.getresponse().read()) == expected
    connection.close()

    assert relay.judged == 2
    assert len(relay.complaints) == 1
    assert "note" in relay.complaints[0]
