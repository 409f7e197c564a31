"""Airflow's settings on one machine."""

from pathlib import Path

import pytest

from infra.local import airflow
from infra.local.paths import State


def test_the_operators_database_and_spark_have_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow@db/airflow",
        "AIRFLOW_CONN_SPARK_DEFAULT": "spark://master:7077",
    }
    for name in own:
        monkeypatch.delenv(name, raising=False)
    state = State(tmp_path)
    state.airflow.mkdir(parents=True, exist_ok=True)
    default = airflow.environment(state, 8080, 15002)
    assert default["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:///")
    assert default["AIRFLOW_CONN_SPARK_DEFAULT"] == "spark-connect://127.0.0.1:15002"
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    assert airflow.environment(state, 8080, 15002) == default | own


def test_metrics_are_sent_only_to_a_collector_that_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    state.airflow.mkdir(parents=True, exist_ok=True)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert "AIRFLOW__METRICS__OTEL_ON" not in airflow.environment(state, 8080, 15002)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert airflow.environment(state, 8080, 15002)["AIRFLOW__METRICS__OTEL_ON"] == "True"
