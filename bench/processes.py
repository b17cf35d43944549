"""CPU time of process trees, read from /proc, and subprocesses that never outlive the bench."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parent.parent


def tree_cpu_seconds(root: int) -> float:
    """User and system seconds of ``root`` and all its descendants, the reaped ones included."""
    spent: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - numbers only, many of them
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text("utf-8", errors="replace")
        except OSError:
            continue  # it ended meanwhile; its parent has its time
        values = stat.rpartition(")")[2].split()
        spent[int(entry)] = sum(map(int, values[11:15]))
        children.setdefault(int(values[1]), []).append(int(entry))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += spent.get(pid, 0)
        waiting += children.get(pid, ())
    return total / _TICKS


def machine_cpu_seconds() -> float:
    """Seconds in which any core of the machine was busy."""
    values = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    idle, waiting = values[3], values[4]
    return (sum(values[:8]) - idle - waiting) / _TICKS


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m module`` for as long as the block lasts."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        stdout=sys.stderr,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], address: str, seconds: float = 30) -> None:
    """Return once GET ``address`` answers 200; raises ``RuntimeError`` when it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no answer at {address} (exit status {process.poll()})")
