"""Journeys share one browser per run and have a server each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from absent import missing
from conftest import DatabaseUrls, fresh_database
from guichet.embedded import Endpoints
from journeys.house import House, Shop, opened_house, opened_shop
from journeys.payer import CHROMIUM, CHROMIUM_FLAGS, Payer, a_payer
from journeys.served import served_stall
from pages.stall import Stall

NewPayer = Callable[..., AbstractAsyncContextManager[Payer]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        missing("no journey was made: install chromium, or say where it is: CHROMIUM=…")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_payer(browser: Browser) -> NewPayer:
    return partial(a_payer, browser)


@pytest_asyncio.fixture(loop_scope="session")
async def payer(new_payer: NewPayer) -> AsyncIterator[Payer]:
    async with new_payer() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def shop() -> AsyncIterator[Shop]:
    async with opened_shop() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def house(database_urls: DatabaseUrls) -> AsyncIterator[House]:
    async with opened_house(database_urls) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def module_stall(cluster_endpoints: Endpoints) -> AsyncIterator[Stall]:
    async with fresh_database(cluster_endpoints) as urls, served_stall(urls) as served:
        yield served


@pytest.fixture
def stall(module_stall: Stall) -> Stall:
    """The pages alone, over rails that answer as told: states that a whole server cannot show."""
    module_stall.open()
    return module_stall


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
