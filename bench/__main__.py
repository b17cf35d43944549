"""``python -m bench``: one run, its verdicts and its figures, also as Markdown;
``python -m bench overload`` offers more than can be served (``bench.overload``).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import time
from pathlib import Path

from bench import cases, overload
from bench.databases import cluster, fill
from bench.report import RATIO_HEAD, RUN_HEAD, table
from bench.rig import Bench

_CASES = ("post", "orm", "reads", "settle", "scale")
_SMALL = 10_000


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*_CASES, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="short runs, once: for a look")
    parser.add_argument("--seconds", type=float, default=1.2, help="length of one run")
    parser.add_argument("--rounds", type=int, default=2, help="how often A B B A is run")
    parser.add_argument("--scale", type=int, default=100_000, help="payments in the large database")
    parser.add_argument("--output", type=Path, help="write the tables to this file, too")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 0.6, 1
    return options


async def _run(options: argparse.Namespace) -> Bench:
    chosen = options.cases or _CASES
    async with cluster() as (endpoints, postgres_pid):
        bench = Bench(postgres_pid, options.seconds, options.rounds)
        database, small = await fill(endpoints, "bench_main"), await fill(endpoints, "bench_small")
        await database.fill_payments(_SMALL)
        await small.fill_payments(_SMALL)
        if "post" in chosen:
            cases.post_against_sql(bench, database)
        if "reads" in chosen:
            await cases.reads(bench, small)
        if "settle" in chosen:
            await cases.settle(bench, database)
        if "scale" in chosen:
            large = await fill(endpoints, "bench_large")
            await large.fill_payments(options.scale)
            cases.scale(bench, small, large, options.scale)
        if "orm" in chosen:  # last: beside its tables, which nothing guards, no gateway starts
            cases.post_against_orm(bench, database)
    return bench


def main() -> None:
    if sys.argv[1:2] == ["overload"]:
        sys.exit(overload.main(sys.argv[2:]))
    options = _options()
    started_at = time.monotonic()
    bench = asyncio.run(_run(options))
    head = (
        f"Python {platform.python_version()}, {platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores; runs of {options.seconds:g} s, "
        f"{options.rounds} × A B B A; {time.monotonic() - started_at:.0f} s in all."
    )
    ratios = table(RATIO_HEAD, [ratio.row() for ratio in bench.ratios])
    text = f"{head}\n\n{ratios}\n\n{table(RUN_HEAD, bench.runs)}"
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
