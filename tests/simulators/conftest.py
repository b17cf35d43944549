"""Simulators on real ports, mounted under a path as the gateway mounts them."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from guichet.simulators.common.posting import post_with
from guichet.simulators.pix import ApiServer, build_simulator, make_certificates
from guichet.simulators.yapily import build_app
from judge import judge_if_there
from simulators.operator_stage import operator_served, operators
from simulators.pix_stage import Pix, Served
from simulators.yapily_stage import CREDENTIALS, Simulator

__all__ = ["operator_served", "operators"]

Notices = queue.Queue[tuple[dict[str, str], bytes]]

MOUNT = "/simulators/yapily"
PIX_MOUNT = "/simulators/pix"


def _listener() -> socket.socket:
    # A socket that names its protocol: asyncio switches Nagle's delay off for such ones only.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # the first caller may come before the server is there
    return listener


def _receiver(notices: Notices) -> Route:
    async def receive(request: Request) -> Response:
        notices.put((dict(request.headers), await request.body()))
        return Response(status_code=204)

    return Route("/receiver{rest:path}", receive, methods=["POST"])


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, Notices]]:
    notices: Notices = queue.Queue()
    config = uvicorn.Config(
        Starlette(), port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    listener = _listener()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{MOUNT}"
    program = build_app(url, *CREDENTIALS, webhook_secret="whsec")
    config.app = Starlette(routes=[_receiver(notices), Mount(MOUNT, app=program)])
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield url, notices
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def simulator(served: tuple[str, Notices]) -> Iterator[Simulator]:
    url, notices = served
    judge = judge_if_there("yapily.json", url)
    simulator = Simulator(url, notices, judge)
    simulator.control("reset")
    simulator.control("webhook", url=None)
    yield simulator
    simulator.api.close()
    simulator.browser.close()


@pytest.fixture(scope="session")
def pix_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    certificates = make_certificates(tmp_path_factory.mktemp("pix") / "certificates")
    notices: Notices = queue.Queue()
    listeners = [_listener() for _ in range(3)]
    site, api, receiver = (each.getsockname()[1] for each in listeners)
    base_url_site = f"http://127.0.0.1:{site}{PIX_MOUNT}"
    simulator = build_simulator(
        f"https://127.0.0.1:{api}",
        base_url_site,
        return_seconds=0,
        http_post=post_with(certificates.psp_context()),
    )
    programs = Starlette(routes=[_receiver(notices), Mount(PIX_MOUNT, app=simulator.site)])
    config = uvicorn.Config(
        programs, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    servers = [
        uvicorn.Server(config),
        ApiServer(simulator.api, certificates),
        ApiServer(Starlette(routes=[_receiver(notices)]), certificates),
    ]

    async def serve() -> None:
        pairs = zip(servers, listeners, strict=True)
        await asyncio.gather(*(server.serve([listener]) for server, listener in pairs))

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    yield Served(
        base_url_site,
        simulator.api_url,
        simulator.token_url,
        f"http://127.0.0.1:{site}/receiver",
        f"https://127.0.0.1:{receiver}/receiver",
        certificates,
        notices,
    )
    for server in servers:
        server.should_exit = True
    thread.join()
    for listener in listeners:
        listener.close()


@pytest.fixture
def pix(pix_served: Served) -> Iterator[Pix]:
    judge = judge_if_there("bacen-pix.yaml", pix_served.api)
    pix = Pix(pix_served, judge)
    pix.control("reset")
    pix.control("webhook", url=None)
    yield pix
    pix.close()
