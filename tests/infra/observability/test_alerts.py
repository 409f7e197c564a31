"""Each alert fires when it should and only then, its runbook exists, and its metrics are emitted by someone."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.environment import ROOT
from infra.observability.dashboard import dashboard
from jobs.platform.metrics import METRICS
from tests import otlp

FOLDER = Path(ROOT, "infra", "observability")
CASES = Path(__file__).with_name("alerts_test.yml")
SPARK = {
    "metrics_nightreel_driver_ExecutorAllocationManager_executors_numberExecutorsExitedUnexpectedly_Count",
    "metrics_nightreel_driver_ExecutorAllocationManager_executors_numberAllExecutors_Value",
    "metrics_executor_JVMHeapMemory_bytes",
}
"""Spark's metrics that alerts and dashboard use; test_spark_metrics.py scrapes them from a driver."""


def rules() -> list[dict[str, Any]]:
    """All alerts and recording rules."""
    return [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Name -> alert."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def queries() -> list[str]:
    """The queries of the dashboard, with values for Grafana's variables."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    texts = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return [text.replace("$night", "2022-05-01").replace("$__range", "7d") for text in texts]


def metrics_in_use() -> set[str]:
    """Names of the metrics in alerts and dashboard, other than those of recording rules."""
    expressions = [*queries(), *(rule["expr"] for rule in rules())]
    return {name for text in expressions for name in re.findall(r"\b(?:nightreel|airflow|metrics)_\w+", text)}


def metrics_of_airflow() -> Iterator[str]:
    """The metrics that the installed Airflow declares, as Prometheus names them."""
    (registry,) = Path(ROOT, ".venv-airflow").glob(
        "lib/python*/site-packages/airflow/_shared/observability/metrics/metrics_template.yaml"
    )
    for metric in yaml.safe_load(registry.read_text())["metrics"]:
        kind = metric["type"]
        yield otlp.prometheus_name(
            f"airflow.{metric['name']}",
            "ms" if kind == "timer" else "",
            is_counter=kind == "counter",
            is_gauge=kind == "gauge",
        )


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool: sudo apt-get install prometheus")
    return found


def succeed(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_its_configuration_and_rules(promtool: str, tmp_path: Path) -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    for scraped in configuration["scrape_configs"]:
        scraped.pop("fallback_scrape_protocol", None)  # Debian's promtool is of Prometheus 2, which does not know it
    shutil.copy(FOLDER / "alerts.yml", tmp_path)
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    succeed(promtool, "check", "config", str(tmp_path / "prometheus.yml"))


def test_each_alert_fires_and_falls_silent(promtool: str) -> None:
    fired: set[str] = set()
    silent: set[str] = set()
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        for expected in case["alert_rule_test"]:
            (fired if expected["exp_alerts"] else silent).add(expected["alertname"])
    assert fired == silent == alerts().keys()
    succeed(promtool, "test", "rules", str(CASES))


def test_each_alert_has_its_own_section_in_the_runbook() -> None:
    text = Path(ROOT, "docs", "troubleshooting.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (\w+)$", text, flags=re.MULTILINE)
    assert sorted(sections) == sorted(alerts())
    for name, alert in alerts().items():
        assert alert["annotations"]["runbook"] == f"docs/troubleshooting.md#{name.lower()}"
        assert alert["labels"]["severity"] in ("page", "ticket")


def test_alerts_and_dashboard_use_metrics_that_are_emitted() -> None:
    emitted = {otlp.prometheus_name(metric.name, metric.unit, is_gauge=True) for metric in METRICS}
    used = metrics_in_use()
    assert used - emitted - SPARK - set(metrics_of_airflow()) == set()
    assert emitted - used == set(), "emitted, and used by nothing"
    assert used >= SPARK


def test_the_dashboard_is_what_its_program_writes() -> None:
    assert (FOLDER / "dashboard.json").read_text() == dashboard() + "\n"


def test_the_queries_of_the_dashboard_are_valid(promtool: str, tmp_path: Path) -> None:
    group = {
        "name": "panels",
        "rules": [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(queries())],
    }
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [group]}))
    succeed(promtool, "check", "rules", "--lint=none", str(tmp_path / "panels.yml"))
