"""``guichet serve`` and ``guichet work``: the processes of production, on a database by URL."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from contextlib import AsyncExitStack, closing
from multiprocessing.process import BaseProcess

import uvloop

from guichet import logs
from guichet.embedded.children import die_with_parent
from guichet.server.errors import CannotServe
from guichet.server.front import Front, Sockets
from guichet.server.health import Health
from guichet.server.http import HttpServer, bind
from guichet.server.parts import (
    opened_gateway,
    refuse_unsafe,
    stop_signal,
    until_stopped,
)
from guichet.server.site import Site
from guichet.settings import Settings
from guichet.worker.loop import Worker

_log = logging.getLogger(__name__)

_RESTART_SECONDS = 1.0


def database_url(settings: Settings) -> str:
    """The address of production's database; raises ``CannotServe`` if it is not set."""
    if not settings.database_url:
        raise CannotServe(
            "GUICHET_DATABASE_URL is not set: production runs on a database of your own; "
            "`guichet run` brings one for development"
        )
    return settings.database_url


def _with_simulation(settings: Settings) -> Settings:
    """The settings, with the PIX account at the simulator of another process if they name one."""
    if not settings.pix_simulator_port:
        return settings
    from guichet.server.simulation import find_simulation  # production has none: not even loaded

    return find_simulation(settings)


async def work(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM; raises ``CannotServe``."""
    stop = stop_signal()
    settings = _with_simulation(settings)
    health = Health(settings.metrics_token)
    async with AsyncExitStack() as stack:
        parts: list[asyncio.Task[None]] = []
        if settings.worker_port:
            listener = bind(settings.host, settings.worker_port, "GUICHET_WORKER_PORT")
            server = HttpServer(health, listener, settings=settings)
            stack.push_async_callback(server.stop)
            parts.append(server.start())
        gateway = await stack.enter_async_context(opened_gateway(settings, database_url(settings)))
        worker = Worker(gateway)
        stack.push_async_callback(worker.stop)
        parts.append(asyncio.create_task(worker.run()))
        health.open(gateway)
        stack.callback(health.close)
        await until_stopped(stop, *parts)


async def serve_one(
    settings: Settings, sockets: Sockets, simulators: bool, *, alone: bool = True
) -> None:
    """Serve on the sockets until SIGINT or SIGTERM; raises ``CannotServe``.

    A process that is ``alone`` answers 503 until it is ready; one of several leaves requests to
    those that are.
    """
    stop = stop_signal()
    simulation = None
    if simulators:
        from guichet.server.simulation import Simulation

        simulation = Simulation(settings)
    settings = simulation.settings if simulation else _with_simulation(settings)
    site = Site(simulation.mounts if simulation else None, Health(settings.metrics_token))
    front = Front(site, sockets, settings)
    parts: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(front.stop)
        if alone:
            parts += front.start()
        if simulation:
            parts += simulation.start(site)
            stack.push_async_callback(simulation.stop)
        gateway = await stack.enter_async_context(opened_gateway(settings, database_url(settings)))
        if simulation and gateway.access.has_live_applications():
            raise CannotServe("the simulators are for sandboxes, and there are live applications")
        site.open(gateway)
        if not alone:
            parts += front.start()
        if simulation:
            await simulation.connect(gateway)
        stack.push_async_callback(front.stop)
        stack.callback(site.close)
        await until_stopped(stop, *parts)


def serve(settings: Settings, workers: int, simulators: bool) -> None:
    """Serve with ``workers`` processes on the same sockets; raises ``CannotServe``.

    The simulators keep their state in memory, so they go with one process only.
    """
    if simulators and workers != 1:
        raise CannotServe("the simulators live in one process: use --workers 1")
    url = database_url(settings)
    with closing(Sockets.bound(settings)) as sockets:
        if workers == 1:
            uvloop.run(serve_one(settings, sockets, simulators))
            return
        uvloop.run(refuse_unsafe(url))  # say it once, not in every process
        with tempfile.TemporaryDirectory(prefix="guichet-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            _supervise(settings, sockets, workers)


def _supervise(settings: Settings, sockets: Sockets, workers: int) -> None:
    """Keep the processes running; on a signal stop them all, in order."""
    context = multiprocessing.get_context("spawn")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def start() -> BaseProcess:
        process = context.Process(target=_serve_in_child, args=(settings, sockets, os.getpid()))
        process.start()
        return process

    processes = [start() for _ in range(workers)]
    while not stop.wait(_RESTART_SECONDS):
        for index, process in enumerate(processes):
            if not process.is_alive():
                _log.error("a serving process ended by itself (%s)", process.exitcode)
                processes[index] = start()
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


def _serve_in_child(settings: Settings, sockets: Sockets, supervisor: int) -> None:
    logs.configure(settings.log_level)
    die_with_parent()  # nobody would stop us if the supervisor were killed
    if os.getppid() != supervisor:
        return  # it was, before we asked
    uvloop.run(serve_one(settings, sockets, simulators=False, alone=False))
