"""A simulator on a real port, mounted under a path as the gateway mounts it."""

from __future__ import annotations

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

from guichet.simulators.yapily import build_app
from judge import SPECS, judge_of
from simulators.yapily_stage import CREDENTIALS, Simulator

MOUNT = "/simulators/yapily"


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]]:
    notices: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    async def receive(request: Request) -> Response:
        notices.put((dict(request.headers), await request.body()))
        return Response(status_code=204)

    config = uvicorn.Config(
        Starlette(), port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    # A socket that names its protocol: asyncio switches Nagle's delay off for such ones only.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{MOUNT}"
    program = build_app(url, *CREDENTIALS, webhook_secret="whsec")
    config.app = Starlette(
        routes=[
            Route("/receiver", receive, methods=["POST"]),
            Mount(MOUNT, app=program),
        ]
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield url, notices
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def simulator(
    served: tuple[str, queue.Queue[tuple[dict[str, str], bytes]]],
) -> Iterator[Simulator]:
    url, notices = served
    judge = judge_of("yapily.json", url) if SPECS.exists() else None
    simulator = Simulator(url, notices, judge)
    simulator.control("reset")
    simulator.control("webhook", url=None)
    yield simulator
    simulator.api.close()
    simulator.browser.close()
