"""``python -m guichet.simulators.pix --port 8200 --tls-port 8243``: the simulator on its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path

import uvicorn

from guichet.simulators.common.posting import post_with

from .app import CLIENT_ID, CLIENT_SECRET, KEY, build_simulator
from .certificates import make_certificates
from .serving import ApiServer


def main() -> None:
    """Serves API and wallet on loopback ports until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8200, help="wallet and control, plain HTTP")
    parser.add_argument("--tls-port", type=int, default=8243, help="the API, mutual TLS")
    parser.add_argument("--certificates", type=Path, default=Path(".pix-certificates"))
    parser.add_argument("--base-url", help="public address of the wallet")
    parser.add_argument("--client-id", default=CLIENT_ID)
    parser.add_argument("--client-secret", default=CLIENT_SECRET)
    parser.add_argument("--key", default=KEY, help="the receiver's Pix key")
    parser.add_argument("--webhook-url", help="where notices go; none by default")
    parser.add_argument("--webhook-authority", type=Path, help="authorities of its server, PEM")
    options = parser.parse_args()
    certificates = make_certificates(options.certificates)
    simulator = build_simulator(
        f"https://{options.host}:{options.tls_port}",
        options.base_url or f"http://{options.host}:{options.port}",
        options.client_id,
        options.client_secret,
        key=options.key,
        webhook_url=options.webhook_url,
        http_post=post_with(certificates.psp_context(options.webhook_authority)),
    )
    api = ApiServer(simulator.api, certificates, options.host, options.tls_port)
    site = uvicorn.Config(
        simulator.site, host=options.host, port=options.port, log_level="warning", lifespan="off"
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(uvicorn.Server(site), api))


async def _serve(site: uvicorn.Server, api: ApiServer) -> None:
    serving = asyncio.create_task(api.serve())
    try:
        await site.serve()
    finally:
        api.should_exit = True
        await serving


if __name__ == "__main__":
    main()
