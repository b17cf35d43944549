"""The settings of the embedded database, each with its why."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_MIB = 1024 * 1024
_BUFFERS_MAX_BYTES = 4096 * _MIB
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

_SETTINGS = {
    # Nobody reaches it but through the socket in its private folder.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    # An acknowledged payment survives a power cut. These are the defaults: said so that no
    # postgresql.conf can say otherwise.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Recovery reads 77 MB of log a second: 2 GB keep it under half a minute.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Short statements: compiling them costs more than it gives. Data lies on flash.
    "jit": "off",
    "random_page_cost": "1.1",
    # Sessions keep their plans until a table is analysed again: a young table grows fast.
    "autovacuum_naptime": "15s",
    # The serving sessions set tighter ones for themselves.
    "idle_in_transaction_session_timeout": "60s",
    "authentication_timeout": "10s",
    # The launcher waits as long as recovery reports progress.
    "log_startup_progress_interval": "1s",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

#: What PostgreSQL gets to see of our environment: nothing, for it may hold secrets.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def arguments(socket_folder: Path, extra: dict[str, str]) -> list[str]:
    """The ``-c`` arguments of ``postgres``; ``extra`` overrides."""
    settings = {
        **_SETTINGS,
        "shared_buffers": f"{_buffers_mib()}MB",
        "unix_socket_directories": f'"{socket_folder}"',
        **extra,
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _buffers_mib() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no such limit
        memory = min(memory, int(_CGROUP_LIMIT.read_text()))
    return max(16, min(memory // 4, _BUFFERS_MAX_BYTES) // _MIB)
