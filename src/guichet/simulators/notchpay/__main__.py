"""``python -m guichet.simulators.notchpay --port 8400``: the simulator on its own."""

from __future__ import annotations

import argparse

import uvicorn

from .app import Credentials, build_app


def main() -> None:
    """Serves the simulator on a loopback port until it is stopped."""
    default = Credentials()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--base-url", help="public address; by default http://HOST:PORT")
    parser.add_argument("--public-key", default=default.public_key)
    parser.add_argument("--private-key", default=default.private_key)
    parser.add_argument(
        "--hash-key", default=default.hash_key, help="what webhooks are signed with"
    )
    parser.add_argument("--merchant", default="Guichet Demo Shop", help="the name on phones")
    parser.add_argument("--plain", choices=("complete", "phone"), default="complete")
    options = parser.parse_args()
    app = build_app(
        options.base_url or f"http://{options.host}:{options.port}",
        Credentials(options.public_key, options.private_key, options.hash_key),
        merchant=options.merchant,
        plain=options.plain,
    )
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
