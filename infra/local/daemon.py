"""Processes that outlive the command that starts them: start, find again, wait for, stop."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra import durable
from infra.local.paths import HOST, State

_PAUSE_S = 0.2
_GRACE_S = 20.0


class ServiceError(Exception):
    """A service does not start or answer; the message is for a person."""


@dataclass(frozen=True)
class Daemon:
    """A background process, found again by the record that it was started with."""

    name: str
    state: State
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.state.logs / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Number of its process, None where it does not run."""
        record = self._read()
        return record["pid"] if record is not None and self.running() else None

    def running(self) -> bool:
        """Whether it runs: a record of a process that has ended, or whose number another process has by now, is none."""
        record = self._read()
        return (
            record is not None
            and _started_at(record["pid"]) == record["started_at"]
            and _works_in(record["pid"], self.state.run)
        )

    def start(self) -> None:
        """Start it in a session of its own, away from the terminal's Ctrl-C; what a killed one has left behind ends first."""
        self.stop()
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                cwd=self.state.run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        durable.write_json(self._record, {"pid": process.pid, "started_at": _started_at(process.pid)})

    def stop(self) -> None:
        """End it and all processes of its session; nothing happens where it does not run."""
        record = self._read()
        # While any process of a session lives, its number is not given to a new one: if the leader is gone, the rest is ours,
        # unless this state folder is a copy of one whose services run.
        if (
            record is not None
            and _started_at(record["pid"]) in {record["started_at"], None}
            and any(_works_in(process.pid, self.state.run) for process in _session(record["pid"]))
        ):
            _end_session(record["pid"])
        self._record.unlink(missing_ok=True)

    def listens(self, port: int) -> bool:
        """Whether it, and not some other program of this machine, listens on the port."""
        leader = self.pid
        return leader is not None and any(_listens(process, port) for process in _session(leader))

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready` says so.

        Raises:
            ServiceError: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running():
                raise ServiceError(f"{self.name} ended while starting: {self.last_words()} (all of it: {self.log})")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} was not ready after {timeout_s:.0f} s; its log: {self.log}")
            time.sleep(_PAUSE_S)

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").split("\n") if self.log.is_file() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    @property
    def _record(self) -> Path:
        return self.state.run / f"{self.name}.json"

    def _read(self) -> dict[str, int] | None:
        try:
            record: dict[str, int] = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return record


def _started_at(pid: int) -> int | None:
    """When a live process started, in clock ticks since boot: with its number this names one process for good.

    The time of day would not: it is another one once the clock is set.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round((process.create_time() - psutil.boot_time()) * os.sysconf("SC_CLK_TCK"))
    except psutil.NoSuchProcess:
        return None


def _works_in(pid: int, folder: Path) -> bool:
    """Whether it is a process's working directory. It stays so where the folder is moved, and is not a copy of it."""
    try:
        # psutil would give the name of the directory, which another one has where ours was deleted.
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def _session(leader: int) -> Iterator[psutil.Process]:
    """The live processes of a session: the leader's children and theirs, whatever process groups they have made."""
    for number in psutil.pids():
        with suppress(OSError, psutil.Error):  # a process may end while it is looked at
            if os.getsid(number) == leader and _started_at(number) is not None:
                yield psutil.Process(number)


def _end_session(leader: int) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for process in _session(leader):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(sign)
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline:
            _reap(leader)
            if not any(_session(leader)):
                return
            time.sleep(0.1)


def _reap(pid: int) -> None:
    """Collect the leader if it is a child of this process: nobody else does."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _listens(process: psutil.Process, port: int) -> bool:
    with suppress(psutil.Error, OSError):
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for connection in process.net_connections("tcp")
        )
    return False


def free_port(preferred: int) -> int:
    """The preferred port, or any other where that one is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise ServiceError(f"no free port on {HOST}")
