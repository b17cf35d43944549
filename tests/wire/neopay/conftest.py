from __future__ import annotations

import pytest
import pytest_asyncio

from guichet.dialects.neopay.app import build_app
from guichet.gateway import Gateway
from guichet.web.asgi import Application
from psp import Psp, connect
from wire.applications import MakeApplication, TestApplication
from wire.client import Client


@pytest.fixture
def app(gateway: Gateway) -> Application:
    return build_app(gateway)


@pytest_asyncio.fixture(loop_scope="module")
async def application(make_application: MakeApplication) -> TestApplication:
    return await make_application()


@pytest.fixture
def psp(gateway: Gateway) -> Psp:
    """A PSP by which sandbox applications collect."""
    made = Psp()
    connect(gateway, made)
    return made


@pytest.fixture
def neopay(app: Application, application: TestApplication) -> Client:
    """A merchant's client, sending what the documents send."""
    return Client(app, {**application.headers, "content-type": "application/json/"})
