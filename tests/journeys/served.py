"""The stall of the pages' tests on a port, for browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conftest import DatabaseUrls
from guichet.server.http import HttpServer, bind
from guichet.settings import Settings
from pages.stall import Stall, opened_stall


@asynccontextmanager
async def served_stall(urls: DatabaseUrls) -> AsyncIterator[Stall]:
    """The pages alone, on a port of their own."""
    listener = bind("127.0.0.1", 0)
    settings = Settings(port=listener.getsockname()[1])
    async with opened_stall(urls, settings) as stall:
        server = HttpServer(stall.app, listener)
        server.start()
        try:
            yield stall
        finally:
            await server.stop()
