"""Every command that README and docs print in a ``sh`` block runs, on a fresh `guichet run`.

Blocks without ``sh`` are for other machines (git clone, a database server) or say so.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from relay import relayed
from server.programs import Program, environment, running

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMANDS = {document: _BLOCK.findall(document.read_text()) for document in DOCUMENTS}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    folder = tmp_path_factory.mktemp("var")
    with running("run", data_dir=folder) as started:
        await started.until_healthy()
        with relayed(started.url) as relay:
            yield Program(started.process, relay.url, folder)
            assert relay.complaints == []
            assert relay.judged


def run(block: str, program: Program) -> str:
    """What a block prints, with its addresses and program those of this test."""
    block = block.replace("http://127.0.0.1:8000", program.url)
    block = block.replace(".venv/bin/guichet", f"{sys.executable} -m guichet")
    block = block.replace("curl -s ", "curl -s --fail-with-body ")
    result = subprocess.run(
        ["/bin/sh", "-e", "-c", block],
        cwd=ROOT,
        env=environment(data_dir=program.folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if COMMANDS[each]], ids=lambda document: document.name
)
async def test_documented_commands_succeed_in_their_order(document: Path, program: Program) -> None:
    for block in COMMANDS[document]:
        assert run(block, program)


@pytest.mark.asyncio(loop_scope="module")
async def test_answer_in_the_readme_has_the_shape_of_the_real_one(program: Program) -> None:
    text = (ROOT / "README.md").read_text()
    shown, shortened = map(json.loads, _ANSWER.findall(text)[:2])
    by_bank, by_pix = _BLOCK.findall(text)[:2]

    assert shape(json.loads(run(by_bank, program))) == shape(shown)
    made = json.loads(run(by_pix, program))["payment"]
    named = {key: made[key] for key in shortened["payment"]}
    assert shape(named) == shape(shortened["payment"])


@pytest.mark.asyncio(loop_scope="module")
async def test_answer_by_mobile_money_has_the_shape_of_the_real_one(program: Program) -> None:
    text = (ROOT / "README.md").read_text().partition("## By mobile money")[2]
    shown = json.loads(text.partition("```json\n")[2].partition("```")[0])
    block = _BLOCK.findall(text)[0].replace("order-42", "order-43")

    assert shape(json.loads(run(block, program))) == shape(shown)


def shape(value: object) -> object:
    """Keys in order, and the types of their values."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    return type(value)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = _LINK.findall(document.read_text())
    local = [target for target in targets if "://" not in target]

    assert [target for target in local if not (document.parent / target).exists()] == []


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS[ROOT / "README.md"]) >= 3
