"""The launcher: makes the data folder, starts PostgreSQL as a child, stops it in order.

The folder holds ``data`` (the cluster), ``passwords.json``, ``endpoint.json`` (where the running
server listens), ``postgres.log`` and ``lock``; nobody but its owner may enter it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import asyncpg

from guichet.embedded import configuration, leftovers, roles
from guichet.embedded.children import die_with_parent, reachable
from guichet.embedded.errors import AlreadyRunning, CannotStart
from guichet.embedded.folder import forget_sockets, lock, socket_folder, sockets_of_running
from guichet.embedded.identity import Identity, choose
from guichet.embedded.programs import MAJOR_VERSION, find

__all__ = ["AlreadyRunning", "CannotStart", "EmbeddedPostgres", "Endpoints", "running_endpoints"]

_PATIENCE_SECONDS = 60.0
_STOP_SECONDS = 60.0
_KILL_SECONDS = 10.0
_PAUSE_SECONDS = 0.01
_LOG_MAX_BYTES = 10 * 1024 * 1024


class Endpoints(NamedTuple):
    """Connection addresses: of the database ``guichet`` as the role that serves and owns nothing
    and as the owner of its tables; of the database ``postgres`` as the superuser, which only the
    launcher and tests use.
    """

    serving_dsn: str
    owner_dsn: str
    superuser_dsn: str


class EmbeddedPostgres:
    """PostgreSQL on one folder, run by this process; ``extra`` overrides its settings (tests)."""

    def __init__(self, folder: Path, extra: dict[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self._extra = extra or {}
        self._lock: int | None = None
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    async def start(self) -> Endpoints:
        """Start, recover if needed, and answer once a query has succeeded.

        Call it from the thread that lives longest (the main one): PostgreSQL stops when the
        thread that started it ends. Raises ``AlreadyRunning`` and ``CannotStart``.
        """
        if self._lock is None:
            self._lock = lock(self.folder)
        try:
            identity = choose()
            programs = find(identity)
            passwords = roles.passwords(self.folder / "passwords.json", self.data)
            await leftovers.clear(self.data)
            if self._sockets is None:
                self._sockets = socket_folder(self.folder, identity)
            # A killed postmaster leaves this behind, and a reused pid in it would stop the next.
            (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
            endpoints = _endpoints(self._sockets, passwords)
            if not self.data.exists():
                self._initialise(programs, identity, passwords)
            self._refuse_other_versions()
            await self._launch(programs, identity, endpoints.superuser_dsn)
            await roles.ensure(endpoints.superuser_dsn, passwords)
        except BaseException:
            await self.stop()
            raise
        return endpoints

    async def wait(self) -> None:
        """Return when the postmaster has ended, whoever ended it."""
        while self.pid is not None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(_PAUSE_SECONDS * 10)

    async def stop(self) -> None:
        """Stop in order: sessions are ended, everything is written; then let go of the folder."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            if not await self._ended(process, _STOP_SECONDS):
                process.send_signal(signal.SIGQUIT)
                if not await self._ended(process, _KILL_SECONDS):
                    process.kill()
                    await self._ended(process, _KILL_SECONDS)
        self._process = None
        self._sockets = None
        if self._lock is not None:
            forget_sockets(self.folder)
            os.close(self._lock)
            self._lock = None

    def kill(self) -> None:
        """End the postmaster with SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @staticmethod
    async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
        deadline = asyncio.get_running_loop().time() + seconds
        while process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_PAUSE_SECONDS)
        return True

    def _initialise(self, programs: Path, identity: Identity, passwords: dict[str, str]) -> None:
        """``initdb`` beside the final place, which a killed start thus never leaves half made."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, identity.uid, identity.gid)
        assert self._sockets is not None
        password_file = self._sockets / "password"  # in a private folder, and gone with it
        password_file.write_text(passwords[roles.SUPERUSER])
        os.chown(password_file, identity.uid, identity.gid)
        with reachable(fresh, identity) as place:
            command = [str(programs / "initdb"), f"--pgdata={place.path}"]
            command += [f"--username={roles.SUPERUSER}", f"--pwfile={password_file}"]
            command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
            command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            done = subprocess.run(  # noqa: S603
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                env=configuration.ENVIRONMENT,
                pass_fds=place.descriptors,
                **identity.spawn_options(),
            )
        password_file.unlink()
        if done.returncode != 0:
            raise CannotStart(f"initdb failed: {done.stderr.strip()}")
        fresh.rename(self.data)

    def _refuse_other_versions(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {version}, and this is {MAJOR_VERSION}: dump "
                "it with that version and restore it here, or set GUICHET_DATA_DIR"
            )

    async def _launch(self, programs: Path, identity: Identity, dsn: str) -> None:
        assert self._sockets is not None
        log_path = self.folder / "postgres.log"
        if log_path.exists() and log_path.stat().st_size > _LOG_MAX_BYTES:
            log_path.replace(self.folder / "postgres.log.1")
        with log_path.open("ab") as log, reachable(self.data, identity) as place:
            started_at = log.tell()
            command = [str(programs / "postgres"), "-D", place.path]
            command += configuration.arguments(self._sockets, self._extra)
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - milliseconds
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=configuration.ENVIRONMENT,
                pass_fds=place.descriptors,
                start_new_session=True,  # Ctrl-C is for us: the database stops last
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call of libc
                **identity.spawn_options(),
            )
        await self._ready(dsn, log_path, started_at)

    async def _ready(self, dsn: str, log_path: Path, started_at: int) -> None:
        """Wait for a query to succeed, for as long as the log (recovery, say) moves on."""
        assert self._process is not None
        loop = asyncio.get_running_loop()
        size, deadline = started_at, loop.time() + _PATIENCE_SECONDS
        while not await _answers(dsn):
            grown = log_path.stat().st_size
            if grown != size:
                size, deadline = grown, loop.time() + _PATIENCE_SECONDS
            if self._process.poll() is not None or loop.time() > deadline:
                with log_path.open("rb") as log:
                    log.seek(max(started_at, size - 2000))
                    said = log.read().decode(errors="replace").strip()
                raise CannotStart(f"PostgreSQL did not start; its log says:\n{said}")
            await asyncio.sleep(_PAUSE_SECONDS)


def running_endpoints(folder: Path) -> Endpoints | None:
    """The addresses of the database that another process runs on the folder, if one does."""
    try:
        os.close(lock(folder))
    except AlreadyRunning:
        sockets = sockets_of_running(folder)
        if sockets is not None:
            return _endpoints(sockets, roles.passwords(folder / "passwords.json", folder))
    return None


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        return False
    try:
        return bool(await connection.fetchval("SELECT true"))
    finally:
        await connection.close()


def _endpoints(sockets: Path, passwords: dict[str, str]) -> Endpoints:
    serving, owner, superuser = (
        f"postgresql://{role}:{passwords[role]}@/{database}?host={quote(str(sockets))}"
        for role, database in (
            (roles.SERVING, roles.DATABASE),
            (roles.OWNER, roles.DATABASE),
            (roles.SUPERUSER, "postgres"),
        )
    )
    return Endpoints(serving, owner, superuser)
