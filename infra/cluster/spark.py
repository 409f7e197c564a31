"""Spark's standalone cluster: a master, a worker on each of two machines, and a Connect server.

The Connect server is the driver of all tasks, so no task waits for a JVM and for executors of its own.
"""

from infra.cluster.network import MACHINES, SERVICES
from infra.cluster.settings import SPARK_CONNECT_PORT, SPARK_PORT, SPARK_UI_PORT, Settings
from infra.local import spark_server
from infra.local.daemon import Daemon
from infra.spark import launch

_CORES, _MEMORY = "1", "2g"


def daemons(settings: Settings) -> list[Daemon]:
    """Return the master and the workers."""
    recovery = settings.state.home / "spark-master"  # the workers and jobs that a restarted master takes over
    options = f"-Dspark.deploy.recoveryMode=FILESYSTEM -Dspark.deploy.recoveryDirectory={recovery}"
    address = ["--host", settings.services, "--port", str(SPARK_PORT), "--webui-port", str(SPARK_UI_PORT)]
    master = _daemon(settings, "spark-master", SERVICES, "deploy.master.Master", address, options)
    return [master, *(_worker(settings, machine) for machine in MACHINES if machine.startswith("spark-"))]


def connect(settings: Settings) -> Daemon:
    """Return the Connect server, whose executors are on the workers."""
    environment = settings.of_jobs() | {"NIGHTREEL_SPARK_MASTER": f"spark://{settings.services}:{SPARK_PORT}"}
    command = spark_server.command(SPARK_CONNECT_PORT, {}, environment)
    environment |= launch.variables(environment) | {"SPARK_LOCAL_IP": settings.services}
    return Daemon("spark-connect", settings.state, settings.network.command(SERVICES, command), environment)


def _worker(settings: Settings, machine: str) -> Daemon:
    home = settings.state.home / "work"  # on the machine's own disk
    arguments = ["--host", settings.network.address(machine), "--cores", _CORES, "--memory", _MEMORY]
    arguments += ["--work-dir", str(home), f"spark://{settings.services}:{SPARK_PORT}"]
    return _daemon(
        settings, f"{machine}-worker", machine, "deploy.worker.Worker", arguments, "-Dspark.worker.cleanup.enabled=true"
    )


def _daemon(settings: Settings, name: str, machine: str, main: str, arguments: list[str], options: str) -> Daemon:
    command = [str(launch.spark_home() / "bin" / "spark-class"), f"org.apache.spark.{main}", *arguments]
    variables = settings.of_jobs() | launch.variables()
    variables |= {
        "SPARK_LOCAL_IP": settings.network.address(machine),
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_DAEMON_JAVA_OPTS": options,
    }
    return Daemon(name, settings.state, settings.network.command(machine, command), variables)
