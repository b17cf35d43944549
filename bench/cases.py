"""What is measured, against which yardstick, and the goals (docs/performance.md)."""

from __future__ import annotations

import functools
import math
import os
import re
import shutil
import statistics
import subprocess
import tempfile

from bench import statements
from bench.databases import Filled
from bench.load import Sample
from bench.processes import free_port, running, wait_until_ready
from bench.report import Ratio, costs, rates
from bench.rig import Bench, Server

_POST_GOALS = {1: 0.70, 8: 0.90, 32: 1.6, 64: 1.9}
#: More than any machine settled so far: the attempts of a run must not come to an end.
_SETTLED_PER_SECOND = 7_000


def post_against_sql(bench: Bench, database: Filled) -> None:
    """POST against the SQL function it ends in, called with one payment per statement."""
    arguments = [
        statements.create_arguments(application, database.payee_id, database.fee_rule_id)
        for application in database.application_ids
    ]

    def function(clients: int) -> Sample:
        return bench.sql(database.dsn, clients, statements.CREATE, arguments)

    with bench.server(database) as server, tempfile.NamedTemporaryFile("w") as script:
        script.write(
            statements.create_script(
                database.application_ids, database.payee_id, database.fee_rule_id
            )
        )
        script.flush()
        for clients, goal in _POST_GOALS.items():
            cases = [
                functools.partial(server.create, clients),
                functools.partial(function, clients),
            ]
            if shutil.which("pgbench"):
                cases.append(
                    functools.partial(_pgbench, database, clients, bench.seconds, script.name)
                )
            posts, functions, *others = bench.alternate(*cases)
            bench.add_run("POST /api/payments", clients, posts)
            bench.add_run("its SQL function, asyncpg", clients, functions)
            ratio = Ratio(f"POST / SQL function, {clients}", rates(posts, functions), goal)
            bench.ratios.append(ratio)
            for other in others:
                bench.add_run("its SQL function, pgbench", clients, other)
                bench.ratios.append(Ratio(f"POST / pgbench, {clients}", rates(posts, other)))
            if clients == 32:
                tails = [sample.p99_ms / sample.p50_ms for sample in posts]
                bench.ratios.append(Ratio("p99 / p50 of POST, 32", tails, 3, at_most=True))


def _pgbench(database: Filled, clients: int, seconds: float, script: str) -> Sample:
    """pgbench by its reports of each second, without the first two: every session plans the
    function at its first call. They say nothing of CPU time.
    """
    reports = max(1, round(seconds))
    options = [f"--client={clients}", f"--time={2 + reports}", "--progress=1", f"--file={script}"]
    done = subprocess.run(
        ["pgbench", "--no-vacuum", "--protocol=prepared", *options, database.dsn],
        env={**os.environ, "PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c jit=off"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"progress: .*? ([\d.]+) tps, lat ([\d.]+) ms", done.stderr)[2:]
    rate, latency_ms = (statistics.mean(map(float, column)) for column in zip(*found, strict=True))
    return Sample(rate, latency_ms, math.nan, {}, math.nan, round(rate * reports))


def post_against_orm(bench: Bench, database: Filled) -> None:
    """POST against the usual way to write it."""
    port = free_port()
    pairs = [f"{token}={application}" for token, application in database.tokens.items()]
    with (
        bench.server(database) as server,
        running("bench.orm", str(port), database.owner_dsn, *pairs) as process,
    ):
        wait_until_ready(process, f"http://127.0.0.1:{port}/docs")
        roots = {"server": process.pid, "postgres": bench.postgres_pid}
        orm = Server(bench, port, roots, database)
        server.create(32), orm.create(32)  # connections are opened, statements planned
        posts, plain = bench.alternate(
            functools.partial(server.create, 32), functools.partial(orm.create, 32)
        )
    bench.add_run("POST /api/payments", 32, posts)
    bench.add_run("FastAPI + SQLAlchemy ORM", 32, plain)
    bench.ratios.append(Ratio("POST / FastAPI + ORM, 32", rates(posts, plain), 25))


async def reads(bench: Bench, database: Filled) -> None:
    """GET against the least that the server can do, and a list of twenty against a GET."""
    payments = await database.payments(20_000)
    with bench.server(database) as server:
        gets, hellos, lists = bench.alternate(
            functools.partial(server.read, 32, payments),
            functools.partial(server.hello, 32),
            functools.partial(server.page, 32),
        )
    bench.add_run("GET /bench/hello", 32, hellos)
    bench.add_run("GET /api/payments/{id}", 32, gets)
    bench.add_run("GET /api/payments, 20 of them", 32, lists)
    bench.ratios.append(Ratio("GET / hello, 32", rates(gets, hellos), 0.45))
    bench.ratios.append(Ratio("CPU of list of 20 / GET, 32", costs(lists, gets), 2.5, at_most=True))


async def settle(bench: Bench, database: Filled) -> None:
    """Recording money over HTTP, on one merchant's account and on many, against a function that
    locks the shared balance rows for each payment.
    """
    count = int(_SETTLED_PER_SECOND * (bench.seconds + 0.5))
    runs = bench.rounds * 2
    everybody = database.application_ids
    await database.run(statements.ROW_LOCK)
    await database.run(statements.MORE_PLAIN_PAYMENTS, 1, (count + 64) * runs)
    hot = [await database.waiting_attempts(count, everybody[:1]) for _ in range(runs)]
    spread = [await database.waiting_attempts(count, everybody) for _ in range(runs)]
    await database.run("VACUUM (ANALYZE)")  # or autovacuum comes while we measure
    arguments = [(statements.serial_number,)]
    with bench.server(database) as server:
        spreads, hots, plain = bench.alternate(
            lambda: server.settle(64, spread.pop()),
            lambda: server.settle(64, hot.pop()),
            lambda: bench.sql(
                database.owner_dsn, 64, statements.SETTLE_PLAIN, arguments, (count + 64) * len(hot)
            ),
        )
    bench.add_run("settle, spread", 64, spreads)
    bench.add_run("settle, one hot account", 64, hots)
    bench.add_run("row-lock function, asyncpg", 64, plain)
    bench.ratios.append(Ratio("settle hot / spread, 64", rates(hots, spreads), 0.95))
    bench.ratios.append(Ratio("settle / row-lock function, 64", rates(spreads, plain), 5))


def scale(bench: Bench, small: Filled, large: Filled, rows: int) -> None:
    """What a request costs in a large database against a small one."""
    with bench.server(small) as few, bench.server(large) as many:
        for name, goal, one, other in (
            ("newest page", 1.1, few.page, many.page),
            ("deep page", 2.0, few.deep_page, many.deep_page),
            ("create", 1.1, few.create, many.create),
        ):
            larges, smalls = bench.alternate(
                functools.partial(other, 32), functools.partial(one, 32)
            )
            bench.add_run(f"{name}, {rows:,} payments", 32, larges)
            bench.add_run(f"{name}, 10,000 payments", 32, smalls)
            title = f"CPU of {name}, {rows:,} / 10,000"
            bench.ratios.append(Ratio(title, costs(larges, smalls), goal, at_most=True))
