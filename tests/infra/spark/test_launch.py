"""How Spark is launched."""

import shlex
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from infra.environment import ROOT
from infra.spark import launch


def test_a_jvm_maps_the_archive_of_its_classes(spark: SparkSession) -> None:
    jvm = spark.sparkContext._jvm
    assert jvm is not None  # the session is in this process
    pid = jvm.java.lang.ProcessHandle.current().pid()
    # A JVM that rejects the archive, for another class path or Java, runs on without it.
    assert str(launch.CLASS_ARCHIVE.resolve()) in Path("/proc", str(pid), "maps").read_text()


def test_a_cluster_gets_its_own_settings_and_those_of_the_operator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own.conf"
    own.write_text("# sizes\nspark.executor.memory 8g\nspark.executor.extraJavaOptions = -Xss4m -Da=b\n")
    monkeypatch.setenv("NIGHTREEL_SPARK_MASTER", "spark://master:7077")
    monkeypatch.setenv("NIGHTREEL_SPARK_CONF", str(own))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000")
    variables = launch.variables()
    assert "SPARK_LOCAL_IP" not in variables  # executors on other machines connect to the driver
    words = shlex.split(variables["PYSPARK_SUBMIT_ARGS"])
    assert words[words.index("--master") + 1] == "spark://master:7077"
    assert words[words.index("--properties-file") + 1].endswith("/cluster.conf")
    assert {
        "spark.executor.memory=8g",
        f"spark.executorEnv.PYTHONPATH={ROOT}",
        "spark.executor.extraJavaOptions=-Xss4m -Da=b",
        "spark.hadoop.fs.s3a.endpoint=http://store:9000",
        "spark.hadoop.fs.s3a.path.style.access=true",
    } <= set(words)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), ("executor.memory 8g", "'executor.memory 8g' is not")]
)
def test_unusable_settings_of_the_operator_are_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, message: str
) -> None:
    own = tmp_path / "own.conf"
    if content is not None:
        own.write_text(content)
    monkeypatch.setenv("NIGHTREEL_SPARK_CONF", str(own))
    problem = launch.fault()
    assert problem is not None
    assert problem.startswith(f"NIGHTREEL_SPARK_CONF={own}")
    assert message in problem


def test_settings_are_given_by_name_and_nothing_is_in_the_folder_on_the_class_path() -> None:
    variables = launch.variables()
    assert not list(Path(variables["SPARK_CONF_DIR"]).iterdir())
    assert str(Path(sys.prefix, "spark-conf", "spark-defaults.conf")) in variables["PYSPARK_SUBMIT_ARGS"]
