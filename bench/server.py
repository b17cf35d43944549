"""The server under test, as ``guichet serve`` runs it, with two routes beside it that only the
bench has: ``/bench/hello``, the least that kernel and server can do, and ``/bench/settle/{id}``,
which reports money for an attempt.

Run as ``python -m bench.server`` with Guichet's settings in the environment.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import uvicorn

from bench.statements import AMOUNT_MINOR
from guichet.bootstrap import build_gateway, close_gateway
from guichet.dialects.neopay.app import build_app
from guichet.domain.money import Money
from guichet.domain.outcomes import Done
from guichet.gateway import Gateway
from guichet.services.settlement import record_outcome
from guichet.settings import Settings
from guichet.web.asgi import Application, Receive, Reply, Request, Router, Scope, Send
from guichet.web.proxies import TrustedProxies

_DONE = Done(received=Money(AMOUNT_MINOR, "GBP"))


def _bench_routes(gateway: Gateway) -> Application:
    async def hello(_: Request) -> Reply:
        return Reply(body=b'{"message":"hello"}')

    async def settle(request: Request) -> Reply:
        attempt = await record_outcome(gateway, UUID(request.parameters["id"]), _DONE)
        return Reply(body=b'{"status":"%s"}' % attempt.status.encode())

    def failed(_: Request, error: Exception) -> Reply:
        return Reply(getattr(error, "status", 500), repr(error).encode(), "text/plain")

    router = Router()
    router.add("GET", "/bench/hello", hello)
    router.add("POST", "/bench/settle/{id}", settle)
    return Application(router, failed, body_limit_bytes=1024, proxies=TrustedProxies())


async def main() -> None:
    settings = Settings.from_environment()
    gateway = await build_gateway(settings, settings.database_url, settings.secret_keys)
    app, bench = build_app(gateway), _bench_routes(gateway)

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = bench if scope["path"].startswith("/bench/") else app
        await chosen(scope, receive, send)

    config = uvicorn.Config(
        route,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    await uvicorn.Server(config).serve()
    await close_gateway(gateway)


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
