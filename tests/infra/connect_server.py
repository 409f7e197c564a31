"""A Spark Connect server of its own, for tests of what talks to one."""

from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.daemon import Daemon, free_port
from infra.local.paths import HOST, State
from infra.local.spark_server import spark_server


@contextmanager
def connect_server(where: State) -> Iterator[tuple[Daemon, str]]:
    """The server that nights of one machine use and its address, as SPARK_REMOTE has it; stopped at the end."""
    where.make()
    port = free_port(0)  # no other server that is starting takes it
    daemon = spark_server(where, port)
    daemon.start()
    try:
        daemon.wait(lambda: daemon.listens(port), 180)
        yield daemon, f"sc://{HOST}:{port}"
    finally:
        daemon.stop()
