"""What a killed launcher leaves behind: a running postmaster, orphaned backends, a stale pid file.

A process is recognised by its program's name and by its working folder, which PostgreSQL makes
its data folder: no reused pid can fool that, and a zombie has no working folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import psutil

from guichet.embedded.errors import CannotStart

_FAST_STOP_SECONDS = 60.0
_NOTICE_SECONDS = 1.0
_KILL_SECONDS = 10.0
_PAUSE_SECONDS = 0.02


async def clear(data: Path) -> None:
    """Stop whatever still runs on the data folder, then remove the stale pid file.

    The caller holds the launcher's lock, so nothing that runs there has a launcher any more.
    Raises ``CannotStart`` if something cannot be ended.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    postmaster = _postmaster(pid_file)
    if postmaster is not None:
        await _end([postmaster], signal.SIGINT, _FAST_STOP_SECONDS)
    # Backends outlive a killed postmaster until they notice; a long query notices late.
    orphans = _processes(data)
    if not (
        await _gone(orphans, _NOTICE_SECONDS)
        or await _end(orphans, signal.SIGTERM, _KILL_SECONDS)
        or await _end(orphans, signal.SIGKILL, _KILL_SECONDS)
    ):
        raise CannotStart(f"processes that cannot be ended still use {data}: {orphans}")
    pid_file.unlink(missing_ok=True)


def _postmaster(pid_file: Path) -> psutil.Process | None:
    try:
        pid = int(pid_file.read_text().partition("\n")[0])
        process = psutil.Process(pid)
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if _is_ours(process, pid_file.parent) else None


def _processes(data: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_ours(process, data)]


def _is_ours(process: psutil.Process, data: Path) -> bool:
    try:
        return process.name().startswith("postgres") and data.samefile(process.cwd())
    except (psutil.Error, OSError):
        return False


async def _end(processes: list[psutil.Process], how: signal.Signals, seconds: float) -> bool:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(how)
    return await _gone(processes, seconds)


async def _gone(processes: list[psutil.Process], seconds: float) -> bool:
    """Whether all have ended within that time; a zombie has ended."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while any(_alive(process) for process in processes):
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
    return True


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
