"""The server under test, as ``guichet serve`` runs it, with two routes beside it that only the
bench has: ``/bench/hello``, the least that kernel and server can do, and ``/bench/settle/{id}``,
which reports money for an attempt.

Run as ``python -m bench.server`` with Guichet's settings in the environment.
"""

from __future__ import annotations

from uuid import UUID

import uvloop

from bench.statements import AMOUNT_MINOR
from guichet.domain.money import Money
from guichet.domain.outcomes import Done
from guichet.gateway import Gateway
from guichet.server.http import HttpServer, bind
from guichet.server.parts import opened_gateway, stop_signal, until_stopped
from guichet.server.site import Site
from guichet.services.settlement import record_outcome
from guichet.settings import Settings
from guichet.store.scope import acting_for
from guichet.web.asgi import Application, Reply, Request, Router
from guichet.web.proxies import TrustedProxies

_DONE = Done(received=Money(AMOUNT_MINOR, "GBP"))


def _bench_routes(gateway: Gateway) -> Application:
    async def hello(_: Request) -> Reply:
        return Reply(body=b'{"message":"hello"}')

    async def settle(request: Request) -> Reply:
        with acting_for(*gateway.access.application_ids()):
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
    stop = stop_signal()
    async with opened_gateway(settings, settings.database_url) as gateway:
        site = Site({"/bench": _bench_routes(gateway)})
        site.open(gateway)
        http = HttpServer(
            site, bind(settings.host, settings.port), settings=settings, gate=site.judge
        )
        http.start()
        assert http.task is not None
        await until_stopped(stop, http.task)
        await http.stop()


if __name__ == "__main__":
    uvloop.run(main())
