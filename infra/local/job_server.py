"""Runs the jobs and Spark's Python workers of one machine in forks of a process that has already imported their libraries.

The imports of pandas, MLflow, torch and Spark's client take up to five seconds of CPU time. A fork has them at once, and shares
their memory. `job_client.py` is called in place of Python: it sends a command here, and ends when the command ends. Modules of
`jobs` and `models` are not imported before a fork, so that each job runs the current code.
"""

import atexit
import ctypes
import gc
import importlib
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import NoReturn

from setproctitle import getproctitle, setproctitle

from infra.environment import clean_environment
from infra.local.daemon import Daemon
from infra.local.job_client import SOCKET, receive
from infra.local.paths import State

_LIBRARIES = [
    *("pandas", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "deltalake", "duckdb", "yaml"),
    *("pyspark.sql.connect.session", "pyspark.sql.connect.functions", "pyspark.sql.functions"),
    *("mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "scipy.sparse.linalg", "torch"),
]
_PR_SET_PDEATHSIG = 1


def job_server(state: State, variables: dict[str, str]) -> Daemon:
    """Return the server as a daemon, with the environment variables of Airflow's tasks."""
    return Daemon("jobs", state, [sys.executable, "-m", __name__], variables | {"NIGHTREEL_HOME": str(state.home)})


PYTHON = str(Path(__file__).with_name("python.sh"))
"""A program with the arguments of Python, which runs a module in a fork of the server."""


def main() -> None:
    """Serve on a socket in the folder `run` of this machine until the process is stopped. Clients wait until it is ready."""
    getproctitle()  # the first call locates the title in memory, which fails once the environment has moved
    folder = os.open(Path(os.environ["NIGHTREEL_HOME"], "run"), os.O_DIRECTORY)
    address = f"/proc/self/fd/{folder}/{SOCKET}"  # paths of sockets must be short
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        os.umask(0o077)  # only this user may send jobs
        listener.bind(address)
        listener.listen()
        for library in _LIBRARIES:
            importlib.import_module(library)
        importlib.import_module("sqlalchemy.orm").configure_mappers()
        gc.collect()
        gc.freeze()  # a collection in a fork would copy the pages of these objects
        print("ready", flush=True)
        _serve(listener)


def _serve(listener: socket.socket) -> NoReturn:
    """Fork for each connection, and send it the exit code of its job.

    A job is killed if its client ends first: its task has ended too, and may have been retried.
    """
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    jobs: dict[int, tuple[socket.socket, ForkProcess]] = {}
    """Sentinel of a job's process -> the connection of its client, and the process."""
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                connection, _ = listener.accept()
                inherited = [listener, *(other for other, _ in jobs.values())]
                job = ForkProcess(target=_run, args=(connection, inherited, os.getpid()))
                job.start()
                jobs[job.sentinel] = connection, job
                poll.register(job.sentinel, select.POLLIN)
                poll.register(connection, select.POLLRDHUP)
            elif descriptor in jobs:
                connection, job = jobs.pop(descriptor)
                poll.unregister(descriptor)
                with suppress(KeyError):
                    poll.unregister(connection)
                job.join()
                with connection, suppress(OSError):
                    connection.sendall(str(job.exitcode).encode())
                job.close()
            else:
                for connection, job in jobs.values():
                    if connection.fileno() == descriptor and job.pid is not None:
                        poll.unregister(connection)
                        with suppress(ProcessLookupError):
                            os.killpg(job.pid, signal.SIGKILL)


def _run(connection: socket.socket, inherited: Sequence[socket.socket], server: int) -> None:
    """Run the module that the client requests, with the client's arguments, environment, directory and streams."""
    os.setpgid(0, 0)  # the job can be killed together with its own processes
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with the server
    if os.getppid() != server:
        return  # the server ended before the line above
    request, streams = receive(connection)
    for unused in (connection, *inherited):
        unused.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing has replaced it
    os.environ.clear()
    os.environ.update(request["environment"])
    clean_environment()
    os.chdir(request["directory"])
    sys.path[0] = request["directory"]  # as `python -m` has it
    os.umask(request["umask"])
    arguments: list[str] = request["arguments"]
    setproctitle(" ".join([sys.executable, *arguments]))
    sys.argv = arguments[1:]
    try:
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a fork ends without them


if __name__ == "__main__":
    main()
