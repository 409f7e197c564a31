"""The jars: pinned, checked, and named in the configuration that every session reads."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.spark.resolve_jars import HERE, matches, maven_coordinate, pinned_jars, write_configuration


@given(
    group=st.from_regex(r"[a-z]+(\.[a-z]+)*", fullmatch=True),
    artifact=st.from_regex(r"[a-z]+(-[a-z]+)?(_[0-9.]+){0,2}", fullmatch=True),
    version=st.from_regex(r"[0-9]+\.[0-9]+\.[0-9]+", fullmatch=True),
)
def test_ivys_file_names_lead_back_to_their_coordinates(group: str, artifact: str, version: str) -> None:
    assert maven_coordinate(f"{group}_{artifact}-{version}.jar") == f"{group}:{artifact}:{version}"


def test_the_pinned_jars_are_those_of_delta_openlineage_and_s3() -> None:
    jars = pinned_jars((HERE / "jars.sha256").read_text())
    jars_s3 = pinned_jars((HERE / "jars-s3.sha256").read_text())
    assert "org.apache.hadoop:hadoop-aws:3.5.0" in map(maven_coordinate, jars_s3)
    assert all(len(digest) == 64 for digest in jars_s3.values())
    coordinates = [maven_coordinate(name) for name in jars]
    assert coordinates == [
        "io.delta:delta-spark_4.2_2.13:4.4.0",
        "io.delta:delta-storage:4.4.0",
        "io.openlineage:openlineage-spark_2.13:1.53.0",
    ]
    assert all(len(digest) == 64 for digest in jars.values())


def test_a_file_with_one_other_bit_does_not_match(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"\x00" * 100)
    digest = hashlib.sha256(b"\x00" * 100).hexdigest()
    assert matches(jar, digest)
    jar.write_bytes(b"\x00" * 99 + b"\x01")
    assert not matches(jar, digest)
    assert not matches(tmp_path / "missing.jar", digest)


def test_the_configuration_names_the_jars_and_keeps_the_settings(tmp_path: Path) -> None:
    write_configuration([Path("/jars/a.jar"), Path("/jars/b.jar")], tmp_path)
    local, cluster = (_settings(tmp_path / name) for name in ("spark-defaults.conf", "cluster.conf"))
    for settings in (local, cluster):
        assert settings["spark.driver.extraClassPath"] == "/jars/a.jar:/jars/b.jar"
        assert settings["spark.sql.session.timeZone"] == "UTC"
    assert local["spark.databricks.delta.snapshotPartitions"] == "2"
    assert {path.name for path in tmp_path.iterdir()} == {"log4j2.properties", "spark-defaults.conf", "cluster.conf"}


def test_nothing_of_one_machine_is_in_the_configuration_of_a_cluster(tmp_path: Path) -> None:
    write_configuration([Path("/jars/a.jar")], tmp_path)
    cluster = _settings(tmp_path / "cluster.conf")
    assert cluster["spark.executor.extraClassPath"] == "/jars/a.jar"
    assert cluster["spark.dynamicAllocation.enabled"] == "true"
    assert not any("127.0.0.1" in value or "Tiered" in value for value in cluster.values())
    for name in ("spark.ui.enabled", "spark.sql.shuffle.partitions", "spark.databricks.delta.snapshotPartitions"):
        assert name not in cluster


def _settings(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    settings = {name: value.strip() for name, value in (line.split(maxsplit=1) for line in lines)}
    assert len(settings) == len(lines)  # no setting twice
    return settings


def test_writing_the_configuration_again_leaves_nothing_over(tmp_path: Path) -> None:
    write_configuration([], tmp_path)
    write_configuration([], tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("setting", ["spark.ui.enabled", "spark.ui.showConsoleProgress"])
def test_a_laptop_runs_without_what_only_costs_time(tmp_path: Path, setting: str) -> None:
    write_configuration([Path("/jars/a.jar")], tmp_path)
    assert _settings(tmp_path / "spark-defaults.conf")[setting] == "false"
