"""The environment of our processes: what the shell brings, less what would put another Spark, Java or Python in place of ours.

A process takes it over when it imports `jobs` or `infra`, and what it starts inherits it. What a person sets is kept: settings
(NIGHTREEL_*, MLFLOW_TRACKING_URI, OPENLINEAGE_*, AIRFLOW__*), credentials, proxies. Only modules that Python has loaded by then
are imported here, since PYTHONPATH may hold others of any name.
"""

import os
import pwd
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_FOREIGN_PREFIXES = (
    *("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HDFS_", "HIVE_", "LOG4J_"),  # another installation
    *("PYTHON", "LC_"),  # what Python reads before the first line of ours
    *("BASH", "MAKE", "GIT_"),  # functions of a shell, the `make` above, the repository of a git hook
    *("GUNICORN_", "UVICORN_"),  # arguments for servers of others
)
_FOREIGN = frozenset(
    [
        *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"),
        *("LANG", "LANGUAGE", "ENV", "CDPATH", "SHELLOPTS", "MFLAGS"),
        *("MPLBACKEND", "MATPLOTLIBRC"),  # a notebook's, which has others draw in it
        *("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_REGISTRY_URI"),
    ]
)
_KEPT = frozenset(["SPARK_REMOTE"])
_LOOPBACK = "127.0.0.1,localhost,::1"


def ours(shell: dict[str, str]) -> dict[str, str]:
    """What a process of ours has in place of a shell's environment; nothing changes where it is that already."""
    kept = {name: value for name, value in shell.items() if not _is_foreign(name) and not _is_socks(name, value)}
    kept |= {"LC_ALL": "C.UTF-8", "PYTHONPATH": ROOT}
    # Jobs run side by side, and threads of numerical libraries spin while they wait for a core: beside other work, two threads
    # inverted a matrix in 12 s, one thread in 3 s. One thread also sums in the same order on every machine.
    kept.setdefault("OMP_NUM_THREADS", "1")
    # Of the two spellings programs read one or the other. gRPC has a name of its own, which it prefers.
    around = kept.get("no_proxy") or kept.get("NO_PROXY", "")
    kept |= {"no_proxy": _with_loopback(around), "NO_PROXY": _with_loopback(around)}
    if "no_grpc_proxy" in kept:
        kept["no_grpc_proxy"] = _with_loopback(kept["no_grpc_proxy"])
    if kept.get("NIGHTREEL_HOME"):
        kept["NIGHTREEL_HOME"] = os.path.abspath(kept["NIGHTREEL_HOME"])
    if not has_account():
        # What asks for the account's name or home finds these instead.
        kept |= {name: f"uid{os.getuid()}" for name in ("USER", "LOGNAME")}
        if not os.access(kept.get("HOME", ""), os.W_OK):
            kept["HOME"] = kept.get("NIGHTREEL_HOME") or f"{ROOT}/.nightreel"
    return kept


def take_over() -> None:
    """Give this process our environment; one that was started by `python -m` starts anew if Python itself was told otherwise."""
    if is_spark_application():
        return
    shell = dict(os.environ)
    kept = ours(shell)
    os.environ.clear()
    os.environ.update(kept)
    looking_for_our_module = sys.argv[:1] == ["-m"]  # so Python says before it runs the module
    if looking_for_our_module and _read_by_python(shell) != _read_by_python(kept):
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def is_spark_application() -> bool:
    """Whether Spark has started this process (`spark-submit`, a Python worker): then it has set up what it needs."""
    return any(name.startswith(("PYSPARK_GATEWAY_", "PYTHON_WORKER_FACTORY_")) for name in os.environ)


def has_account() -> bool:
    """Whether the machine knows a name for the user of this process; many containers run with a number alone."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True


def _is_foreign(name: str) -> bool:
    return name not in _KEPT and (name in _FOREIGN or name.startswith(_FOREIGN_PREFIXES))


def _is_socks(name: str, value: str) -> bool:
    """Whether it is a proxy that no library here can speak with; httpx then refuses to ask anybody, loopback as well."""
    return name.lower().endswith("_proxy") and value.lower().startswith("socks")


def _with_loopback(no_proxy: str) -> str:
    if no_proxy.strip() == "*" or no_proxy.startswith(_LOOPBACK):
        return no_proxy
    return f"{_LOOPBACK},{no_proxy}".rstrip(",")


def _read_by_python(environment: dict[str, str]) -> dict[str, str]:
    names = (name for name in environment if name.startswith(("PYTHON", "LC_", "LANG")))
    return {name: environment[name] for name in names}
