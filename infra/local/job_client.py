"""Runs `python -m MODULE ARGUMENTS` in a fork of the job server, or in this process if there is no server.

It returns the exit code of the fork. If it is killed, so is the fork. It imports little, so that it starts fast.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

SOCKET = "jobs.socket"
"""Name of the server's socket in the folder `run` of a machine. Paths of sockets must be short: the client uses only the name."""


def main() -> None:
    """Run the module that the arguments name."""
    directory = Path.cwd()
    try:
        connection = socket.socket(socket.AF_UNIX)
        os.chdir(Path(os.environ["NIGHTREEL_HOME"], "run"))
        connection.connect(SOCKET)
    except (KeyError, OSError):
        os.chdir(directory)
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    _send(connection, directory)
    answer = connection.recv(16)
    if not answer:
        sys.exit("error: the job server ended before the job")
    if (code := int(answer)) < 0:
        os.kill(os.getpid(), -code)  # end by the same signal as the job
    sys.exit(code)


def _send(connection: socket.socket, directory: Path) -> None:
    os.umask(umask := os.umask(0))
    request = {
        "arguments": sys.argv[1:],
        "directory": str(directory),
        "environment": dict(os.environ),
        "umask": umask,
    }
    message = json.dumps(request).encode()
    socket.send_fds(connection, [len(message).to_bytes(8)], [0, 1, 2])
    connection.sendall(message)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the request that a client has sent, and its standard input, output and error."""
    size, descriptors, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as stream:
        request: dict[str, Any] = json.loads(stream.read(int.from_bytes(size)))
    return request, descriptors


if __name__ == "__main__":
    main()
