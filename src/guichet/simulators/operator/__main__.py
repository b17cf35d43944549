"""``python -m guichet.simulators.operator --port 8300``: the simulator on its own."""

from __future__ import annotations

import argparse

import uvicorn

from .app import Credentials, build_app


def main() -> None:
    """Serves the simulator on a loopback port until it is stopped."""
    default = Credentials()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8300)
    parser.add_argument("--base-url", help="public address; by default http://HOST:PORT")
    parser.add_argument("--user", default=default.user, help="API user, or client")
    parser.add_argument("--secret", default=default.secret, help="the user's key")
    parser.add_argument("--key", default=default.key, help="subscription key, or X-API-Key")
    parser.add_argument("--merchant", default="Guichet Demo Shop", help="the name on phones")
    parser.add_argument("--callback-host", help="the only host that MTN calls back; any by default")
    parser.add_argument("--plain", choices=("complete", "phone"), default="complete")
    options = parser.parse_args()
    app = build_app(
        options.base_url or f"http://{options.host}:{options.port}",
        Credentials(options.user, options.secret, options.key),
        merchant=options.merchant,
        callback_host=options.callback_host,
        plain=options.plain,
    )
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
