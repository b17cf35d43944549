"""``python -m guichet.simulators.yapily --port 8100``: the simulator on its own."""

from __future__ import annotations

import argparse

import uvicorn

from .app import build_app


def main() -> None:
    """Serves the simulator on a loopback port until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--base-url", help="public address; by default http://HOST:PORT")
    parser.add_argument("--application-id", default="guichet-sandbox")
    parser.add_argument("--application-secret", default="guichet-sandbox-secret")
    parser.add_argument("--webhook-url", help="where notices go; none by default")
    parser.add_argument("--webhook-secret", help="signs notices with HMAC-SHA256")
    options = parser.parse_args()
    app = build_app(
        options.base_url or f"http://{options.host}:{options.port}",
        options.application_id,
        options.application_secret,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
    )
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
