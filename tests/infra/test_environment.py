"""What the shell brings: nothing of it decides which Spark, Java, Python, file system or proxy a process of ours uses."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from infra.environment import ROOT, process_environment

_NAMES = [
    *(
        "SPARK_HOME",
        "SPARK_REMOTE",
        "PYSPARK_PYTHON",
        "HADOOP_CONF_DIR",
        "JAVA_TOOL_OPTIONS",
        "PYTHONPATH",
        "PYTHONHOME",
    ),
    *(
        "LC_ALL",
        "LANG",
        "BASH_FUNC_cd%%",
        "MAKEFLAGS",
        "GIT_DIR",
        "NIGHTREEL_HOME",
        "NIGHTREEL_LAKE",
        "AIRFLOW__API__PORT",
    ),
    *("http_proxy", "HTTPS_PROXY", "all_proxy", "no_proxy", "NO_PROXY", "no_grpc_proxy", "HOME", "USER", "AWS_PROFILE"),
]
_VALUES = st.one_of(
    st.sampled_from(["", "*", "socks5://10.0.0.1:1080", "http://10.0.0.1:9", "localhost", ".corp,10.0.0.0/8", "x"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
)
_SHELLS = st.dictionaries(st.sampled_from(_NAMES), _VALUES)


@given(_SHELLS)
def test_our_environment_is_ours_already(shell: dict[str, str]) -> None:
    # Or a process would start itself anew for ever.
    assert process_environment(process_environment(shell)) == process_environment(shell)


@given(_SHELLS)
def test_what_a_person_sets_is_kept_and_what_an_installation_sets_is_not(shell: dict[str, str]) -> None:
    found = process_environment(shell)
    for name in ("SPARK_REMOTE", "NIGHTREEL_LAKE", "AIRFLOW__API__PORT", "AWS_PROFILE"):
        assert found.get(name) == shell.get(name)
    assert not found.keys() & {
        "SPARK_HOME",
        "PYSPARK_PYTHON",
        "HADOOP_CONF_DIR",
        "JAVA_TOOL_OPTIONS",
        "PYTHONHOME",
        "LANG",
    }
    assert found["PYTHONPATH"] == ROOT


@given(_SHELLS)
def test_loopback_is_never_asked_through_a_proxy(shell: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in _NAMES:
            patch.delenv(name, raising=False)
        for name, value in process_environment(shell).items():
            patch.setenv(name, value)
        for host in ("127.0.0.1", "localhost"):
            assert urllib.request.proxy_bypass(host)
            assert requests.utils.should_bypass_proxies(f"http://{host}:8080/", no_proxy=None)
        assert not any(proxy.startswith("socks") for proxy in urllib.request.getproxies().values())


def hostile(below: Path) -> dict[str, str]:
    """What a shell on the edge node of another cluster brings, and more."""
    for folder in ("spark/bin", "hadoop", "conf", "python/pyspark"):
        (below / folder).mkdir(parents=True)
    for script in ("spark-submit", "spark-class"):
        (below / "spark" / "bin" / script).write_text("#!/bin/sh\nexit 3\n")
        (below / "spark" / "bin" / script).chmod(0o755)
    setting = "<property><name>fs.defaultFS</name><value>hdfs://namenode.invalid:8020</value></property>"
    (below / "hadoop" / "core-site.xml").write_text(f"<configuration>{setting}</configuration>")
    (below / "conf" / "spark-defaults.conf").write_text("spark.master spark://master.invalid:7077\n")
    for module in ("pyspark/__init__.py", "yaml.py", "infra.py"):
        (below / "python" / module).write_text("raise SystemExit('another installation')\n")
    (below / "startup").write_text("exit 4\n")
    proxy = "http://127.0.0.1:9"
    return {
        "SPARK_HOME": str(below / "spark"),
        "SPARK_CONF_DIR": str(below / "conf"),
        "SPARK_SUBMIT_OPTS": "-Xmx1m",
        "SPARK_LOCAL_DIRS": str(below / "absent"),
        "PYSPARK_PYTHON": "/bin/false",
        "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
        "HADOOP_CONF_DIR": str(below / "hadoop"),
        "HADOOP_HOME": str(below / "hadoop"),
        "YARN_CONF_DIR": str(below / "hadoop"),
        "JAVA_TOOL_OPTIONS": "-javaagent:/absent.jar",
        "_JAVA_OPTIONS": "-Xmx1m",
        "JDK_JAVA_OPTIONS": "-Xmx1m",
        "CLASSPATH": str(below / "hadoop"),
        "PYTHONPATH": f"{below / 'python'}",
        "PYTHONSTARTUP": str(below / "startup"),
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "PYTHONUTF8": "0",
        "LC_ALL": "C",
        "BASH_ENV": str(below / "startup"),
        "CDPATH": f".:{below}",
        "GIT_DIR": str(below),
        "MPLBACKEND": "of a notebook",
        "http_proxy": proxy,
        "https_proxy": proxy,
        "all_proxy": "socks5://127.0.0.1:9",
    }


def land_and_ingest(
    home: Path, shell: dict[str, str], *before: str, checkout: str = ROOT, python: str = sys.executable
) -> int:
    """Run the two jobs as a person would, `before` in front of the command; how many rows the second has written."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTREEL_", "MLFLOW_"))}
    environment |= {"NIGHTREEL_HOME": str(home), "NIGHTREEL_SIMULATED_EVENTS": "300", **shell}
    for job in ("land", "behavior_log"):
        command = [*before, python, "-m", f"jobs.ingest.{job}", "--date", "2022-05-01"]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    table = DeltaTable(home / "lake" / "bronze" / "behavior_log")
    assert '"code": "unknown"' not in str(table.history(1))
    return table.to_pyarrow_dataset().count_rows()


def test_a_job_is_not_led_astray_by_anything_at_once(tmp_path: Path) -> None:
    checkout = tmp_path / "my $checkout 50% 'café' 中文"
    checkout.mkdir()
    for name in ("infra", "jobs", "models", "schemas"):
        (checkout / name).symlink_to(Path(ROOT, name))
    (checkout / ".venv").symlink_to(sys.prefix)
    home = tmp_path / "my $lake 50% #1 'café' 中文"
    shell = hostile(tmp_path / "other")
    strict = ("sh", "-c", 'umask 077; exec "$@"', "sh")
    python = str(checkout / ".venv" / "bin" / "python")
    assert land_and_ingest(home, shell, *strict, checkout=str(checkout), python=python) >= 300
    assert {path.name for path in tmp_path.iterdir()} == {home.name, checkout.name, "other"}
    for private in (home, home / "lake", home / "secrets" / "pseudonym.key"):
        assert private.stat().st_mode & 0o077 == 0


@pytest.fixture(scope="module")
def nobody() -> list[str]:
    """A command that runs another as a user who has no account and no home, and may read what we read."""
    rights = "+dac_read_search"  # the interpreter may lie in a home
    before = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "--inh-caps", rights]
    before += ["--ambient-caps", rights, "env", "--unset=HOME", "--unset=USER", "--unset=LOGNAME"]
    try:
        subprocess.run([*before, sys.executable, "-c", ""], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a root that may become another user (setpriv)")
    return before


@pytest.fixture
def home_of_nobody() -> Iterator[Path]:
    """A folder of that user, where pytest's own are closed to others."""
    with TemporaryDirectory() as folder:
        os.chown(folder, 54321, 54321)
        yield Path(folder)


def test_a_job_runs_as_a_user_without_an_account(home_of_nobody: Path, nobody: list[str]) -> None:
    assert land_and_ingest(home_of_nobody, {}, *nobody) >= 300


_ASK = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from infra.local.paths import State
from tests.infra.connect_server import connect_server

def where(batches):
    import pyarrow as pa
    import jobs.ingest.landing
    import schemas.contract
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"python": [sys.executable], "jobs": [jobs.ingest.landing.__file__]})

with connect_server(State(Path(sys.argv[1]))) as (_, address):
    spark = SparkSession.builder.remote(address).getOrCreate()
    print(*spark.range(1, numPartitions=1).mapInArrow(where, "python string, jobs string").first(), sep="\\n")
    spark.stop()
"""


def test_a_server_of_a_user_without_an_account_has_our_python_and_modules(
    home_of_nobody: Path, nobody: list[str]
) -> None:
    command = [*nobody, sys.executable, "-c", _ASK, str(home_of_nobody)]
    shell = os.environ | {"http_proxy": "http://127.0.0.1:9", "grpc_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(command, cwd=ROOT, env=shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == [sys.executable, f"{ROOT}/jobs/ingest/landing.py"]


def test_a_state_folder_of_another_user_is_named(tmp_path: Path, nobody: list[str]) -> None:
    command = [
        *nobody,
        "env",
        f"NIGHTREEL_HOME={tmp_path}",
        sys.executable,
        "-m",
        "infra.local.nightly",
        "--from",
        "2022-05-01",
    ]
    for _ in ("empty", "in use"):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert (
            done.stderr
            == f"error: you cannot write to {tmp_path}/run; set NIGHTREEL_HOME to a folder that you can write to\n"
        )
        (tmp_path / "run").mkdir(exist_ok=True)
