"""The environment of Nightreel's processes: the shell's, without variables that select another Spark, Java or Python.

A process cleans its environment when it imports `jobs` or `infra`, and its child processes inherit it. The user's settings
(NIGHTREEL_*, MLFLOW_TRACKING_URI, OPENLINEAGE_*, AIRFLOW__*), credentials and proxies are kept. This module only imports
modules that Python has already loaded, because PYTHONPATH may contain other modules of any name.
"""

import os
import pwd
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_FOREIGN_PREFIXES = (
    *("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HDFS_", "HIVE_", "LOG4J_"),  # another installation
    *("PYTHON", "LC_"),  # read by Python before our first line runs
    *("BASH", "MAKE", "GIT_"),  # shell functions, a calling `make`, the repository of a git hook
    *("GUNICORN_", "UVICORN_"),  # arguments of other servers
)
_FOREIGN = frozenset(
    [
        *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"),
        *("LANG", "LANGUAGE", "ENV", "CDPATH", "SHELLOPTS", "MFLAGS"),
        *("MPLBACKEND", "MATPLOTLIBRC"),  # set by notebooks
        *("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_REGISTRY_URI"),
    ]
)
_KEPT = frozenset(["SPARK_REMOTE"])
_LOOPBACK = "127.0.0.1,localhost,::1"


def process_environment(shell: dict[str, str]) -> dict[str, str]:
    """Return the environment of our processes, made from a shell's environment. The function is idempotent."""
    kept = {name: value for name, value in shell.items() if not _is_foreign(name) and not _is_socks(name, value)}
    kept |= {"LC_ALL": "C.UTF-8", "PYTHONPATH": ROOT}
    # Jobs run in parallel, and threads of numerical libraries spin while they wait for a core: next to other work, two threads
    # inverted a matrix in 12 s, one thread in 3 s. One thread also sums in the same order on every machine.
    kept.setdefault("OMP_NUM_THREADS", "1")
    # Programs read one of the two spellings. gRPC prefers a variable of its own.
    no_proxy = kept.get("no_proxy") or kept.get("NO_PROXY", "")
    kept |= {"no_proxy": _with_loopback(no_proxy), "NO_PROXY": _with_loopback(no_proxy)}
    if "no_grpc_proxy" in kept:
        kept["no_grpc_proxy"] = _with_loopback(kept["no_grpc_proxy"])
    if kept.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        kept.setdefault("AWS_ALLOW_HTTP", "true")  # delta-rs refuses a store without TLS unless it is told
    if kept.get("NIGHTREEL_HOME"):
        kept["NIGHTREEL_HOME"] = os.path.abspath(kept["NIGHTREEL_HOME"])
    if not has_account():
        # Libraries that look up the account's name or home use these variables instead.
        kept |= {name: f"uid{os.getuid()}" for name in ("USER", "LOGNAME")}
        if not os.access(kept.get("HOME", ""), os.W_OK):
            kept["HOME"] = kept.get("NIGHTREEL_HOME") or f"{ROOT}/.nightreel"
    return kept


def clean_environment() -> None:
    """Replace this process's environment by `process_environment`.

    A process started by `python -m` restarts if variables changed that Python itself reads at startup.
    """
    if is_spark_application():
        return
    shell = dict(os.environ)
    cleaned = process_environment(shell)
    # Only what differs: setproctitle finds the title of a process by the place of its first variables in memory.
    for name in shell.keys() - cleaned.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in cleaned.items() if shell.get(name) != value})
    before_main = sys.argv[:1] == ["-m"]  # the value of sys.argv before `python -m` runs the module
    if before_main and _read_by_python(shell) != _read_by_python(cleaned):
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def is_spark_application() -> bool:
    """True if Spark started this process (`spark-submit`, a Python worker) and has already set up its environment."""
    return any(name.startswith(("PYSPARK_GATEWAY_", "PYTHON_WORKER_FACTORY_")) for name in os.environ)


def has_account() -> bool:
    """True if the user of this process has an account on the machine; in many containers there is only a user id."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True


def _is_foreign(name: str) -> bool:
    return name not in _KEPT and (name in _FOREIGN or name.startswith(_FOREIGN_PREFIXES))


def _is_socks(name: str, value: str) -> bool:
    """True for a SOCKS proxy. No library here supports it, and httpx then refuses every request, even to loopback."""
    return name.lower().endswith("_proxy") and value.lower().startswith("socks")


def _with_loopback(no_proxy: str) -> str:
    if no_proxy.strip() == "*" or no_proxy.startswith(_LOOPBACK):
        return no_proxy
    return f"{_LOOPBACK},{no_proxy}".rstrip(",")


def _read_by_python(environment: dict[str, str]) -> dict[str, str]:
    names = (name for name in environment if name.startswith(("PYTHON", "LC_", "LANG")))
    return {name: environment[name] for name in names}
