"""A sabotaged gateway under the harness: each planted bug is found by name (G25)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from guichet.torture.campaign import run
from guichet.torture.entry import SABOTAGE
from guichet.torture.faults.crashes import DATABASE_KILLS
from guichet.torture.faults.outcomes import OUTCOMES
from guichet.torture.forking import Forking
from guichet.torture.stage import Kind, staged

#: What each bug does, and a finding that nothing but it can cause.
BUGS = {
    "commits are acknowledged before they are durable": "which is not there",
    "a repeated question to a PSP bears a new reference": "no attempt of ours",
    "an unknown outcome is taken for a refusal": "and the provider has its money",
    "some events are not told": "never taken",
    "some notifications are signed with another secret": "no matching signature",
    "request keys are forgotten": "nobody asked for it",
}

SABOTAGED = Kind(
    "sabotaged",
    database_settings={"synchronous_commit": "off", "wal_writer_delay": "10s"},
    environment={SABOTAGE: str(Path(__file__).with_name("sabotage.py"))},
)


@pytest.mark.kill
@pytest.mark.timeout(400)
async def test_each_planted_bug_is_found(tmp_path: Path) -> None:
    with Forking() as launcher:
        async with staged(tmp_path, 1, launcher, SABOTAGED) as stage:
            # The merchants themselves are not to be lost.
            superuser = await asyncpg.connect(stage.endpoints.superuser_dsn)
            await superuser.execute("CHECKPOINT")
            await superuser.close()
            # No notice corrects what a bug has made of an answer.
            await stage.providers.bank.control("webhook", url=None)
            report, _ = await run(stage, [(OUTCOMES, 120), (DATABASE_KILLS, 3)], quiet_seconds=5)
    found = "\n".join(report.all_breaches)
    assert [bug for bug, finding in BUGS.items() if finding not in found] == []
