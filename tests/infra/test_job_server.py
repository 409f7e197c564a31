"""Jobs in forks of the job server: they do what Python would do, and end with their client and with the server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from infra.environment import ROOT
from infra.local import job_server
from infra.local.daemon import Daemon
from infra.local.job_server import PYTHON
from infra.local.paths import State


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> State:
    """A state folder, and a module `acts` that does what its arguments say."""
    home = tmp_path_factory.mktemp("home")
    (home / "acts.py").write_text("import os, sys, signal, subprocess, time, atexit\nexec(sys.argv[1])\n")
    state = State(home)
    state.make()
    return state


@pytest.fixture
def server(folder: State) -> Daemon:
    daemon = job_server.job_server(folder, {})
    if not daemon.running():
        daemon.start()
        daemon.wait(lambda: daemon.last_log_line() == "ready", 120)
    return daemon


@pytest.fixture(scope="module", autouse=True)
def stopped(folder: State) -> Iterator[None]:
    yield
    job_server.job_server(folder, {}).stop()


def start(folder: State, code: str, *, python: str = PYTHON, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [python, "-m", "acts", code, "an argument"],
        cwd=folder.home,
        env=os.environ | {"NIGHTREEL_HOME": str(folder.home)} | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def job_of(server: Daemon, code: str) -> psutil.Process:
    """The process of the job that runs this code in the server."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(server.pid).children():
            with suppress(psutil.NoSuchProcess):  # the job of the test before may be ending
                if f"acts {code}" in " ".join(child.cmdline()):
                    return child
        time.sleep(0.05)
    raise AssertionError("no job runs")


def ends(process: psutil.Process) -> bool:
    _, alive = psutil.wait_procs([process], timeout=60)
    return not alive


@pytest.mark.parametrize(
    "code",
    [
        "print(sys.argv[1:], os.getcwd(), os.environ['A'], os.environ.get('B'), os.umask(0), __name__)",
        "print(sys.stdin.read())",
        "print('text', flush=True); sys.stderr.write('ä\\n'); sys.exit(65)",
        "sys.exit('a reason')",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "atexit.register(print, 'last')",
        "print(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)",
    ],
)
def test_a_job_does_what_python_does(server: Daemon, folder: State, code: str) -> None:
    in_server, in_python = (
        (process.communicate("input", timeout=60), process.returncode)
        for process in (start(folder, code, python=python, A="a") for python in (PYTHON, sys.executable))
    )
    assert in_server == in_python


def test_the_traceback_of_an_error_ends_with_its_notes(server: Daemon, folder: State) -> None:
    process = start(folder, "error = ValueError('v'); error.add_note('error: the reason'); raise error")
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 1
    assert messages.splitlines()[-2:] == ["ValueError: v", "error: the reason"]


def test_a_job_has_the_name_of_its_command(server: Daemon, folder: State) -> None:
    code = "time.sleep(600)"
    process = start(folder, code)
    assert job_of(server, code).cmdline()[1:] == ["-m", "acts", "time.sleep(600)", "an", "argument"]
    process.kill()
    process.wait()


def test_a_job_and_its_processes_end_with_the_client(server: Daemon, folder: State) -> None:
    code = "subprocess.run(['sleep', '600'])"
    process = start(folder, code)
    job = job_of(server, code)
    while not (children := job.children()):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    assert ends(job)
    assert ends(children[0])


def test_a_job_ends_with_the_server_and_runs_without_it(server: Daemon, folder: State) -> None:
    code = "print('begins', flush=True); time.sleep(600)"
    process = start(folder, code)
    job = job_of(server, code)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    output, messages = process.communicate(timeout=60)
    assert (process.returncode, output, messages) == (1, "begins\n", "error: the job server ended before the job\n")
    assert ends(job)

    alone = start(folder, "print('runs')")
    assert alone.communicate(timeout=60)[0] == "runs\n"


def test_nobody_else_may_send_jobs(server: Daemon, folder: State) -> None:
    assert Path(folder.run, "jobs.socket").stat().st_mode & 0o077 == 0


def test_libraries_start_no_threads_of_their_own() -> None:
    """A fork has only the thread that forks: a lock that another one holds would stay locked."""
    code = (
        "import importlib, os; from infra.local import job_server\n"
        "for library in job_server._LIBRARIES: importlib.import_module(library)\n"
        "print(*(open(f'/proc/self/task/{task}/comm').read().strip() for task in os.listdir('/proc/self/task')), sep=',')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    # jemalloc's own threads only return memory, and it prepares its locks for a fork. polars' one waits.
    assert set(done.stdout.strip().split(",")) <= {"python", "jemalloc_bg_thd", "polars-ooc-clea"}
