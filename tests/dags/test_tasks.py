"""Where the Spark work of a task is done."""

import pytest
from airflow.sdk.exceptions import AirflowException

from dags._tasks import spark_environment


@pytest.mark.parametrize(
    ("connection", "variables"),
    [
        (None, {}),
        ("spark-connect://spark.internal:15002", {"SPARK_REMOTE": "sc://spark.internal:15002"}),
        ("spark://master.internal:7077", {"NIGHTREEL_SPARK_MASTER": "spark://master.internal:7077"}),
        ('{"conn_type": "spark", "host": "yarn"}', {"NIGHTREEL_SPARK_MASTER": "yarn"}),
        (
            '{"conn_type": "spark", "host": "k8s://https://api.internal", "port": 6443}',
            {"NIGHTREEL_SPARK_MASTER": "k8s://https://api.internal:6443"},
        ),
    ],
)
def test_the_connection_tells_each_job_where_spark_is(
    monkeypatch: pytest.MonkeyPatch, connection: str | None, variables: dict[str, str]
) -> None:
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_SPARK_DEFAULT", raising=False)
    else:
        monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", connection)
    assert spark_environment.__wrapped__() == variables


def test_a_driver_that_would_run_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", "spark://master:7077?deploy-mode=cluster")
    with pytest.raises(AirflowException, match="remove deploy-mode"):
        spark_environment.__wrapped__()
