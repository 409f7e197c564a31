"""An Airflow of its own for these tests, set up before Airflow is first imported."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_HOME = tempfile.TemporaryDirectory(prefix="nightreel-airflow-")
os.environ.update(
    AIRFLOW_HOME=_HOME.name,
    AIRFLOW_CONFIG=str(ROOT / "infra" / "airflow" / "airflow.cfg"),
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "infra" / "airflow" / "plugins"),
    AIRFLOW__CORE__DEFAULT_TIMEZONE="Asia/Shanghai",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME.name}/airflow.db?timeout=60",
    AIRFLOW_CONN_SPARK_DEFAULT="spark-connect://127.0.0.1:15002",
    NIGHTREEL_TIMEZONE="Asia/Shanghai",
)

from airflow.dag_processing.dagbag import DagBag  # noqa: E402


@pytest.fixture(scope="session")
def dags() -> DagBag:
    """All DAGs of the project."""
    return DagBag(str(ROOT / "dags"))


@pytest.fixture(scope="session")
def airflow_database() -> Path:
    """An empty Airflow database; takes some seconds to make."""
    command = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True)
    return Path(_HOME.name) / "airflow.db"
