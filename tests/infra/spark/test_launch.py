"""How Spark is launched."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession

from infra.spark import launch


def test_a_jvm_maps_the_archive_of_its_classes(spark: SparkSession) -> None:
    jvm = spark.sparkContext._jvm
    assert jvm is not None  # the session is in this process
    pid = jvm.java.lang.ProcessHandle.current().pid()
    # A JVM that rejects the archive, for another class path or Java, runs on without it.
    assert str(launch.CLASS_ARCHIVE.resolve()) in Path("/proc", str(pid), "maps").read_text()


def test_settings_are_given_by_name_and_nothing_is_in_the_folder_on_the_class_path() -> None:
    variables = launch.variables()
    assert not list(Path(variables["SPARK_CONF_DIR"]).iterdir())
    assert str(Path(sys.prefix, "spark-conf", "spark-defaults.conf")) in variables["PYSPARK_SUBMIT_ARGS"]
