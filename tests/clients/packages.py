"""Clients of Notch Pay from npm: installed as they were published, and driven in Node."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from absent import missing, program

HERE = Path(__file__).with_name("npm")
UNPROVED = "npm's clients of Notch Pay were not run"
#: What npm says when it cannot reach its registry. Anything else, a wrong hash above all, fails.
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


class ClientError(Exception):
    """What a client threw: its words, and the status and body that it had got."""

    def __init__(self, message: str, status: int | None = None, body: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


def installed() -> Path:
    """The folder with the pinned packages, installed once a machine; skips the test where that
    cannot be done.
    """
    npm = program("npm", "npm", UNPROVED)
    node = program("node", "nodejs", UNPROVED)
    version = subprocess.run([node, "--version"], capture_output=True, check=True).stdout
    pins = (HERE / "package.json").read_bytes() + (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guichet-tests"
    folder = cache / f"npm-{hashlib.sha256(pins + version).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests in several processes want it at once
        if not folder.exists():
            _install(npm, folder)
    return folder


def _install(npm: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        place = Path(temporary) / "npm"
        place.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place)
        _run(place, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        _run(
            place,
            *("node_modules/.bin/esbuild", "node_modules/notchpay-client/dist/index.js"),
            *("--bundle", "--platform=node", "--format=cjs", "--outfile=notchpay-client.cjs"),
        )
        place.rename(folder)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        if any(word in done.stderr for word in _UNREACHABLE):
            missing(f"the npm registry was not reached: {UNPROVED}")
        pytest.fail(f"{' '.join(command)}: {done.stdout}{done.stderr}")


class NodeClient:
    """A client in a Node process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, name: str, *arguments: Any) -> Any:
        """What the client's method answers; None for JavaScript's null and undefined. Raises
        ``ClientError`` with what it threw.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": name, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ClientError(**answer["error"])
        return answer.get("value")


@contextmanager
def node_client(name: str, base_url: str, **options: Any) -> Iterator[NodeClient]:
    """The client ``name``, made with ``options``; nothing but its base address is changed."""
    folder = installed()
    command = ["node", str(HERE / "driver.cjs"), str(folder), name, base_url, json.dumps(options)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield NodeClient(process)
        assert process.stdin is not None
        process.stdin.close()
