"""A TCP proxy in front of a server, which can fall silent: it still accepts connections, but passes nothing on."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

_BLOCK = 1 << 16


class Proxy:
    """The proxy. It listens on a free port of the loopback address."""

    def __init__(self, port: int) -> None:
        """Pass connections on to this port of the loopback address."""
        self._port = port
        self._flows = Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Its address, as an endpoint of HTTP."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Pass nothing on during the block, in either direction; what was sent meanwhile is passed on after it."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                for source, target in ((client, server), (server, client)):
                    Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:  # either side may close the connection
            while block := source.recv(_BLOCK):
                self._flows.wait()
                target.sendall(block)
