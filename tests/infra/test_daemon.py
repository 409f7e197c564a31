"""Background processes: real ones, ended in all the ways that processes end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.local.daemon import Daemon, ServiceError, free_port
from infra.local.paths import State

# A service with a child in a process group of its own, as Airflow's jobs are; it must not outlive the service.
_PARENT = "import subprocess; print('up', flush=True); subprocess.run(['sleep', '600'], process_group=0)"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    state = State(tmp_path)
    state.make()
    found = Daemon("service", state, [sys.executable, "-c", _PARENT])
    yield found
    found.stop()


def pid(daemon: Daemon) -> int:
    record: dict[str, int] = json.loads((daemon.state.run / "service.json").read_text())
    return record["pid"]


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def session_is_gone(leader: int) -> bool:
    listing = subprocess.run(
        ["ps", "-s", str(leader), "-o", "stat="], capture_output=True, text=True, check=False
    ).stdout
    return all(state.startswith("Z") for state in listing.split())


def test_a_service_is_found_by_another_command_and_stopped_with_its_children(daemon: Daemon) -> None:
    assert not daemon.running()
    daemon.start()
    daemon.wait(lambda: daemon.last_log_line() == "up", timeout_s=120)
    again = Daemon("service", daemon.state)
    assert again.running()
    leader = pid(daemon)
    again.stop()
    assert not daemon.running()
    assert eventually(lambda: session_is_gone(leader))


def test_a_service_that_does_not_heed_its_end_is_killed(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.make()
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    daemon = Daemon("service", state, [sys.executable, "-c", deaf], grace_s=0.5)
    daemon.start()
    daemon.wait(lambda: daemon.last_log_line() == "up", timeout_s=120)
    leader = pid(daemon)
    daemon.stop()
    assert eventually(lambda: session_is_gone(leader))


def test_a_killed_service_is_not_running_and_can_be_started_again(daemon: Daemon) -> None:
    daemon.start()
    daemon.wait(lambda: daemon.last_log_line() == "up", timeout_s=120)
    first = pid(daemon)
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: not daemon.running())
    daemon.start()
    assert daemon.running()
    assert session_is_gone(first)  # with the child that the killed one left behind
    assert pid(daemon) != first


def test_a_record_whose_number_is_another_process_by_now_is_none(daemon: Daemon) -> None:
    record = {"pid": os.getpid(), "started_at": 1}
    (daemon.state.run / "service.json").write_text(json.dumps(record))
    assert not daemon.running()
    daemon.stop()  # and this test lives on


@pytest.mark.parametrize("content", ["", "{", "null"])
def test_a_torn_record_is_none(daemon: Daemon, content: str) -> None:
    (daemon.state.run / "service.json").write_text(content)
    assert not daemon.running()


def test_a_service_that_ends_while_starting_reports_its_last_log_line(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.make()
    daemon = Daemon("service", state, [sys.executable, "-c", "import sys; sys.exit('port taken')"])
    daemon.start()
    with pytest.raises(ServiceError, match="service ended while starting: port taken"):
        daemon.wait(lambda: False, timeout_s=120)


def test_a_taken_port_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert free_port(number) != number
    assert free_port(number) == number


def test_a_service_that_listens_is_told_from_another_program_on_its_port(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.make()
    port = free_port(0)
    server = Daemon("server", state, [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)])
    other = Daemon("other", state, ["sleep", "600"])
    try:
        other.start()
        server.start()
        server.wait(lambda: server.listens(port), timeout_s=120)
        assert not other.listens(port)
        assert not server.listens(free_port(0))
    finally:
        server.stop()
        other.stop()
    assert not server.listens(port)


def test_a_copy_of_a_state_folder_has_no_service_of_the_original(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    with TemporaryDirectory() as elsewhere:
        copied = Daemon("service", State(Path(shutil.copytree(tmp_path, Path(elsewhere, "copy")))))
        assert not copied.running()
        copied.stop()
        assert daemon.running()


def test_a_copy_put_in_place_of_the_original_has_no_service_of_it(tmp_path: Path) -> None:
    original = State(tmp_path / "home")
    original.make()
    service = Daemon("service", original, ["sleep", "600"])
    service.start()
    leader = pid(service)
    copied = Path(shutil.copytree(original.home, tmp_path / "copy"))
    shutil.rmtree(original.home)
    copied.rename(original.home)
    assert not service.running()
    service.stop()
    assert not session_is_gone(leader)
    os.kill(leader, signal.SIGKILL)


def test_a_service_is_found_again_where_its_state_folder_is_moved(tmp_path: Path) -> None:
    before, after = State(tmp_path / "before"), State(tmp_path / "after")
    before.make()
    Daemon("service", before, [sys.executable, "-c", _PARENT]).start()
    before.home.rename(after.home)
    moved = Daemon("service", after)
    assert moved.running()
    moved.stop()
    assert not moved.running()
