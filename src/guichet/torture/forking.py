"""Programs by fork: a process imports the gateway once and forks for each start.

Started as ``python -m guichet.torture.forking``: it reads one line of JSON for each start from its
standard input and answers with the process id. What it has started dies with it.
The children run the same code as a new interpreter would; only the imports are not repeated.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from guichet.torture.programs import Running, environment

_PR_SET_PDEATHSIG = 1
#: What commands import when they need it; here it is needed by every start.
_NEEDED = (
    "guichet.bootstrap",
    "guichet.cli",
    "guichet.server.production",
    "guichet.torture.entry",
    "guichet.torture.receiver",
    "guichet.worker.loop",
    "uvloop",
)


class _Forked:
    """Somebody else's child: a descriptor of it says when it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = -1
        with contextlib.suppress(ProcessLookupError):  # it has ended by now
            self._descriptor = os.pidfd_open(pid)

    def ended(self) -> bool:
        if self._descriptor >= 0 and select.select([self._descriptor], [], [], 0)[0]:
            os.close(self._descriptor)
            self._descriptor = -1
        return self._descriptor < 0

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class Forking:
    """Starts programs by fork, for as long as the block lasts."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "guichet.torture.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def start(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> Running:
        """As ``Launcher``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": arguments, "environment": dict(environment), "log": str(log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return _Forked(int(self._process.stdout.readline()))


def _serve() -> None:
    for name in _NEEDED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(**asked)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _run(arguments: list[str], environment: dict[str, str], log: str) -> None:
    """In the child: become the program, and end with it."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, source in enumerate((nothing, output, output)):
            os.dup2(source, number)
        os.environ.clear()
        os.environ.update(environment)
        module = importlib.import_module(arguments[0])
        module.main(arguments[1:])
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
    except BaseException:  # noqa: BLE001 - a program that dies says why, as an interpreter would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
