"""``guichet listen`` and ``guichet trigger`` beside a whole `guichet run`."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from guichet.commands.developing import SCENARIOS, play
from guichet.demo import PRIVATE_KEY
from server.programs import Program, environment, guichet, running
from worker.parts import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    with running("run", data_dir=tmp_path_factory.mktemp("var")) as started:
        await started.until_healthy()
        yield started


async def test_what_is_told_reaches_the_developers_program_as_it_was_sent(
    program: Program,
) -> None:
    async with receiving() as receiver:
        listening = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "guichet", "listen", "--forward-to", receiver.url,
            "--events", "payment.complete", "--api", program.url,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert listening.stdout is not None
        secret = re.search(r"secret (whsec_\S+)", (await listening.stdout.readline()).decode())
        assert secret
        assert (await listening.stdout.readline()).startswith(b"handing on to ")
        await play(SCENARIOS["payment.complete"], program.url, PRIVATE_KEY)
        told = (await listening.stdout.readline()).decode()
        listening.terminate()
        assert await listening.wait() == 0
        (received,) = receiver.received

    Webhook(secret[1]).verify(received.body, received.headers)
    body = json.loads(received.body)
    assert body["event"] == "payment.complete"
    assert told == f"payment.complete {body['id']} -> 200\n"
    left = (await program.get("/webhooks", authorization="sk_test.demo")).json()
    assert left["totals"] == 0


@pytest.mark.parametrize("event", sorted(SCENARIOS))
async def test_every_scenario_plays(program: Program, event: str) -> None:
    await play(SCENARIOS[event], program.url, PRIVATE_KEY)


async def test_an_unknown_event_lists_the_known() -> None:
    said = guichet("trigger", "payment.paid")

    assert said.returncode == 1
    assert "payment.complete, " in said.stderr


async def test_a_gateway_that_does_not_run_is_said_to_be_away() -> None:
    said = guichet("trigger", "payment.created", "--api", "http://127.0.0.1:9")

    assert said.returncode == 1
    assert "does the gateway run?" in said.stderr
