"""Background processes that outlive the command that starts them: start, find, wait for, stop."""

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


class ServiceError(Exception):
    """A service does not start or answer; the message is shown to the user."""


@dataclass(frozen=True)
class Daemon:
    """A background process. A record file written at its start is used to find it again."""

    name: str
    state: State
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 20.0
    """Time to end after SIGTERM; then it is killed."""

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self.state.logs / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Its process id, or None if it does not run."""
        record = self._read()
        return record["pid"] if record is not None and self.running() else None

    def running(self) -> bool:
        """True if the recorded process is alive and its pid was not reused."""
        record = self._read()
        return (
            record is not None
            and _started_at(record["pid"]) == record["started_at"]
            and _works_in(record["pid"], self.state.run)
        )

    def start(self) -> None:
        """Start it in its own session, out of reach of Ctrl-C in the terminal. Leftovers of a killed one are stopped first."""
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
        """Stop it and all processes of its session. Does nothing if it does not run."""
        record = self._read()
        # A session id is not reused while a process of the session is alive. So if the leader is gone, the remaining processes
        # are ours, unless this state folder is a copy of one whose services are running.
        if (
            record is not None
            and _started_at(record["pid"]) in {record["started_at"], None}
            and any(_works_in(process.pid, self.state.run) for process in _session(record["pid"]))
        ):
            _end_session(record["pid"], self.grace_s)
        self._record.unlink(missing_ok=True)

    def listens(self, port: int) -> bool:
        """True if this service, and not another program, listens on the port."""
        leader = self.pid
        return leader is not None and any(_listens(process, port) for process in _session(leader))

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until `ready` returns True.

        Raises:
            ServiceError: the process ended, or it was not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running():
                raise ServiceError(f"{self.name} ended while starting: {self.last_log_line()} (full log: {self.log})")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} was not ready after {timeout_s:.0f} s; see its log: {self.log}")
            time.sleep(_PAUSE_S)

    def last_log_line(self) -> str:
        """Return the last line of its log."""
        lines = self.log.read_text(errors="replace").split("\n") if self.log.is_file() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")

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
    """Return the start of a live process in clock ticks since boot. Together with the pid it identifies a process.

    The time of day would not, because it changes when the clock is set.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round((process.create_time() - psutil.boot_time()) * os.sysconf("SC_CLK_TCK"))
    except psutil.NoSuchProcess:
        return None


def _works_in(pid: int, folder: Path) -> bool:
    """True if a process works in a folder, or beside it like PostgreSQL. Still true after a move; false for a copy."""
    try:
        # psutil returns the name of the directory; a new directory may have the name of a deleted one.
        directory = Path(f"/proc/{pid}/cwd")
        return directory.samefile(folder) or (directory / "..").samefile(folder.parent)
    except OSError:
        return False


def _session(leader: int) -> Iterator[psutil.Process]:
    """Yield the live processes of a session: the leader and all its descendants, in whatever process groups."""
    for number in psutil.pids():
        with suppress(OSError, psutil.Error):  # a process may end meanwhile
            if os.getsid(number) == leader and _started_at(number) is not None:
                yield psutil.Process(number)


def _end_session(leader: int, grace_s: float) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        for process in _session(leader):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            _reap(leader)
            if not any(_session(leader)):
                return
            time.sleep(0.1)


def _reap(pid: int) -> None:
    """Reap the leader if it is a child of this process, because no other process does."""
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
    """Return the preferred port, or any free port if it is taken."""
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
