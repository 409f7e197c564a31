"""An attempt of a job sends what it did, if a destination is configured, and never fails because of it."""

import datetime as dt
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.environment import ROOT
from jobs.ingest import behavior_log, users
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.metrics import METRICS
from tests import otlp
from tests.jobs.ingest.nights import MAY_1, line, write_landing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_an_attempt_tells_what_it_published(home: Path, spark: "SparkSession", monkeypatch: pytest.MonkeyPatch) -> None:
    write_landing(home, [line(video_id=video) for video in (1, 2, 3)])
    monkeypatch.setenv("NIGHTREEL_ATTEMPT", "2")
    before = time.time()
    with otlp.receiver() as received:
        monkeypatch.setenv(_VARIABLE, received.endpoint)
        behavior_log.main(["--date", str(MAY_1)])
        users.main(["--date", str(MAY_1)])
    attempt = received.of(table="bronze.behavior_log", night="2022-05-01", outcome="ok")
    size = sum(file.stat().st_size for file in (home / "lake" / "bronze" / "behavior_log").rglob("*.parquet"))
    assert attempt["nightreel_job_rows"] == 3
    assert attempt["nightreel_job_written_bytes"] == size
    assert attempt["nightreel_job_attempt"] == 2
    assert 0 < attempt["nightreel_job_duration_seconds"] < time.time() - before
    phases = {
        labels["phase"]: value
        for _, labels, value in received.samples
        if labels.get("table") == "bronze.behavior_log" and "phase" in labels
    }
    assert min(phases["stage"], phases["audit"], phases["commit"]) > 0
    assert sum(phases.values()) - phases["start"] == pytest.approx(attempt["nightreel_job_duration_seconds"], abs=0.01)
    assert before <= attempt["nightreel_job_ended_timestamp_seconds"] <= time.time()
    night_ended = dt.datetime(2022, 5, 1, 16, tzinfo=dt.UTC)  # midnight in Shanghai
    assert (
        received.of(table="bronze.behavior_log")["nightreel_table_night_timestamp_seconds"] == night_ended.timestamp()
    )
    assert received.of(table="bronze.behavior_log")["nightreel_table_size_bytes"] == size
    assert received.of(table="silver.users")["nightreel_job_rows"] == 1
    assert 0 < received.of()["nightreel_disk_free_ratio"] < 1
    everywhere = {otlp.prometheus_name(metric.name, metric.unit, is_gauge=True) for metric in METRICS}
    assert received.names() == everywhere - {"nightreel_job_gpu_busy_ratio"}


def test_a_process_that_fails_tells_its_module_and_why(home: Path) -> None:
    with otlp.receiver() as received:
        environment = os.environ | {_VARIABLE: received.endpoint, "NIGHTREEL_SOURCE": "landing"}
        result = subprocess.run(
            [sys.executable, "-m", "jobs.ingest.land", "--date", str(MAY_1)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == os.EX_NOINPUT
    assert result.stderr.splitlines()[-1].startswith("error: missing input: ")
    assert received.of(module="ingest.land", night="2022-05-01", outcome="MissingInput")["nightreel_job_attempt"] == 1
    assert "nightreel_job_rows" not in received.names()


def test_each_ending_has_its_outcome(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with otlp.receiver() as received:
        monkeypatch.setenv(_VARIABLE, received.endpoint)
        with run_job(["--date", "2022-05-01"], "doc", trains="recommender") as context:
            context.gpu_busy = 0.25
        with pytest.raises(SystemExit), run_job(["--date", "2022-05-02"], "doc"):
            raise BadInput("x")
        with pytest.raises(ZeroDivisionError), run_job(["--date", "2022-05-03"], "doc"):
            1 / 0
    assert received.of(night="2022-05-01", model="recommender", outcome="ok")["nightreel_job_gpu_busy_ratio"] == 0.25
    assert received.of(night="2022-05-02", outcome="BadInput")
    assert received.of(night="2022-05-03", outcome="error")


def test_a_collector_that_does_not_answer_costs_a_second_and_fails_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for endpoint in (f"http://127.0.0.1:{silent.getsockname()[1]}", "http://127.0.0.1:9"):
            monkeypatch.setenv(_VARIABLE, endpoint)
            with run_job(["--date", "2022-05-01"], "doc"):
                ended = time.perf_counter()
            assert time.perf_counter() - ended < 3  # 0.8 s, and the imports on a busy machine
    assert "Failed to export" in caplog.text


def test_without_a_destination_nothing_is_even_imported(home: Path) -> None:
    code = (
        "import sys; from jobs.platform.job import run_job\n"
        "with run_job(['--date', '2022-05-01'], 'doc'): pass\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
