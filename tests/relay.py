"""A relay before a server that passes bytes on exactly as they come, and judges what it answers.

For clients that are not ours: nothing of theirs is changed but the port, and an answer that left
the server in one write reaches them in one.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import httptools

from documented import Documented, Undocumented, documented
from guichet.dialects.notchpay.app import SEGMENTS

_CHUNK_BYTES = 65_536


def judge_at(path: str) -> Documented | None:
    """The judge of what a whole server answers at ``path``; None for pages and the like."""
    segment = path[1:].partition("/")[0]
    if segment == "api":
        return documented("neopay")
    return documented("notchpay") if segment in SEGMENTS else None


class Relay:
    """``complaints`` are the answers that no document describes."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._upstream = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.complaints: list[str] = []
        self.judged = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Take nothing more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        exchange = _Exchange(self)
        try:
            server = socket.create_connection(self._upstream)
        except OSError:
            client.close()
            return
        with client, server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ways = {
                client: (server, exchange.requests.feed_data),
                server: (client, exchange.answers.feed_data),
            }
            while True:
                for source in select.select(list(ways), [], [])[0]:
                    target, read = ways[source]
                    try:
                        data = source.recv(_CHUNK_BYTES)
                        read(data)  # judged first: a test that ends on it must see complaints
                        target.sendall(data)
                    except (OSError, httptools.HttpParserError):
                        return
                    if not data:
                        return


class _Exchange:
    """The requests and answers of one connection."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._asked: list[tuple[str, str]] = []
        self.requests = httptools.HttpRequestParser(_Requests(self))
        self.answers = httptools.HttpResponseParser(_Answers(self))

    def ask(self, target: bytes) -> None:
        path = unquote(urlsplit(target.decode("ascii", "replace")).path)
        self._asked.append((self.requests.get_method().decode("ascii"), path))

    def answer(self, headers: dict[str, str], body: bytes) -> None:
        method, path = self._asked.pop(0)
        judge = judge_at(path)
        if judge is None:
            return
        self._relay.judged += 1
        try:
            judge.response(method, path, self.answers.get_status_code(), headers, body)
        except Undocumented as difference:
            self._relay.complaints.append(str(difference))


class _Requests:
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_headers_complete(self) -> None:
        self._exchange.ask(self._target)
        self._target = b""


class _Answers:
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange
        self._headers: dict[str, str] = {}
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("ascii").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        headers, body = self._headers, self._body
        self._headers, self._body = {}, b""
        self._exchange.answer(headers, body)


@contextmanager
def relayed(url: str) -> Iterator[Relay]:
    """A relay to the server at ``url`` while the block runs."""
    relay = Relay(url)
    try:
        yield relay
    finally:
        relay.close()


def judging_hooks() -> dict[str, list[Any]]:
    """``event_hooks`` of an ``httpx2.AsyncClient`` whose calls go to a whole server of ours."""

    async def judge(response: Any) -> None:
        path = unquote(response.request.url.path)
        judging = judge_at(path)
        if judging is not None:
            body = await response.aread()
            headers = dict(response.headers)
            judging.response(response.request.method, path, response.status_code, headers, body)

    return {"response": [judge]}
