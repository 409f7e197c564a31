"""The machines of the cluster: network namespaces on a bridge, each with an address, a host name and folders of its own.

The bridge is in the namespace of the machine `services`, where no firewall rule of the host applies. A namespace has no route to
the outside. A second cluster on the same host gets the next free network of 198.18.0.0/15, which is reserved for such tests
(RFC 2544).
"""

import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra import durable
from infra.local.daemon import ServiceError

SERVICES = "services"
MACHINES = (SERVICES, "spark-1", "spark-2", "jobs-1")
_HOST = 1
_NETWORKS = 256
# Its own host name, a file with the names of all machines, and its own folder in the place of NIGHTREEL_HOME.
_ENTER = """
hostname "$1"; mount --bind "$2" /etc/hosts; mount --bind "$4" "$3"; shift 4
exec "$@"
"""


@dataclass(frozen=True)
class Network:
    """The network of one cluster."""

    home: Path
    """NIGHTREEL_HOME of the cluster, by which its network is recognised."""

    @cached_property
    def number(self) -> int:
        """Its number on this host: that of the existing network, otherwise the lowest one that is free.

        Raises:
            ServiceError: there are too many clusters.
        """
        owners = _links()
        names = [f"nightreel{number}" for number in range(_NETWORKS)]
        own = [number for number, name in enumerate(names) if owners.get(name) == str(self.home)]
        free = [number for number, name in enumerate(names) if name not in owners]
        if not own + free:
            raise ServiceError("this host has no network left for a cluster")
        return (own + free)[0]

    def address(self, machine: str) -> str:
        """Return the address of a machine."""
        return f"198.18.{self.number}.{_HOST + 1 + MACHINES.index(machine)}"

    @property
    def addresses(self) -> list[str]:
        """The addresses of all machines."""
        return [self.address(machine) for machine in MACHINES]

    def create(self) -> None:
        """Create the machines that do not exist, and their folders."""
        existing = _namespaces()
        services = self._namespace(SERVICES)
        if services not in existing:
            self.remove()
            _ip("netns", "add", services)
            _ip("-n", services, "link", "set", "lo", "up")
            _ip("-n", services, "link", "add", "bridge", "type", "bridge")
            _ip("-n", services, "address", "add", f"{self.address(SERVICES)}/24", "dev", "bridge")
            _ip("-n", services, "link", "set", "bridge", "up")
            host = f"nightreel{self.number}"
            self._connect(host, "host")
            _ip("link", "set", host, "alias", str(self.home))
            _ip("address", "add", f"198.18.{self.number}.{_HOST}/24", "dev", host)
            _ip("link", "set", host, "up")
        for machine in MACHINES[1:]:
            namespace = self._namespace(machine)
            if namespace not in existing:
                _ip("netns", "add", namespace)
                self._connect(f"n{self.number}{machine}", machine)
                _ip("link", "set", f"n{self.number}{machine}", "netns", namespace, "name", "eth0")
                _ip("-n", namespace, "address", "add", f"{self.address(machine)}/24", "dev", "eth0")
                _ip("-n", namespace, "link", "set", "lo", "up")
                _ip("-n", namespace, "link", "set", "eth0", "up")
        names = ["127.0.0.1 localhost", *(f"{self.address(machine)} {machine}" for machine in MACHINES)]
        durable.write(self._hosts, "\n".join(names) + "\n")
        for machine in MACHINES:
            (self._folder(machine) / "run").mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Remove the machines. All processes on them must have ended."""
        for namespace in _namespaces().intersection(map(self._namespace, MACHINES)):
            _ip("netns", "delete", namespace)
        if f"nightreel{self.number}" in _links():  # it disappears with its other end, but not at once
            with suppress(ServiceError):
                _ip("link", "delete", f"nightreel{self.number}")

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs a command on a machine, in the same process."""
        enter = ["ip", "netns", "exec", self._namespace(machine), "unshare", "--uts", "--mount", "--"]
        script = ["sh", "-ec", _ENTER, "sh", machine, str(self._hosts), str(self.home), str(self._folder(machine))]
        return [*enter, *script, *command]

    @property
    def _hosts(self) -> Path:
        return self.home / "run" / "hosts"

    def _folder(self, machine: str) -> Path:
        return self.home if machine == SERVICES else self.home / "machines" / machine

    def _namespace(self, machine: str) -> str:
        return f"nightreel{self.number}-{machine}"

    def _connect(self, link: str, machine: str) -> None:
        """Create a link on the host whose other end is a port of the bridge (a veth pair)."""
        _ip("link", "add", link, "type", "veth", "peer", "name", machine, "netns", self._namespace(SERVICES))
        _ip("-n", self._namespace(SERVICES), "link", "set", machine, "master", "bridge", "up")


def _namespaces() -> set[str]:
    """Return the names of all network namespaces of the host."""
    return {namespace["name"] for namespace in json.loads(_ip("-json", "netns", "list") or "[]")}


def _links() -> dict[str, str | None]:
    """Return the alias of each link of the host."""
    return {link["ifname"]: link.get("ifalias") for link in json.loads(_ip("-json", "link", "show"))}


def _ip(*arguments: str) -> str:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise ServiceError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout
