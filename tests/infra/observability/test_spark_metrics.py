"""A driver with the settings of a cluster serves Spark's metrics under the names that alerts and dashboard use."""

import os
import subprocess
import sys
from pathlib import Path

from infra.environment import ROOT
from tests.infra.observability.test_alerts import SPARK

_LOSES_AN_EXECUTOR = """
import os, signal, time, urllib.request
import psutil
from jobs.platform.spark import session
spark = session()
address = spark.sparkContext.uiWebUrl
parents = spark.sparkContext.range(1).map(lambda _: [parent.pid for parent in psutil.Process().parents()]).first()
python_daemon, executor, *_ = parents
os.kill(executor, signal.SIGKILL)
deadline = time.monotonic() + 300
while time.monotonic() < deadline:
    texts = [urllib.request.urlopen(address + path).read().decode() for path in PATHS]
    if 'ExitedUnexpectedly_Count{type="counters"} 1' in texts[0] and "JVMHeapMemory" in texts[1]:
        break
    time.sleep(0.5)
print("\\n".join(texts))
"""


def test_a_driver_reports_its_executors_and_a_lost_one(tmp_path: Path) -> None:
    own = tmp_path / "spark.conf"
    sizes = "spark.executor.memory 512m\nspark.driver.memory 512m\nspark.executor.cores 1\n"
    own.write_text(Path(ROOT, "infra", "spark", "cluster.conf").read_text() + sizes)
    environment = os.environ | {
        "NIGHTREEL_HOME": str(tmp_path),
        "NIGHTREEL_SPARK_MASTER": "local-cluster[1,1,1024]",
        "NIGHTREEL_SPARK_CONF": str(own),
    }
    environment.pop("SPARK_REMOTE", None)
    paths = ["/metrics/prometheus/", "/metrics/executors/prometheus/"]  # as in prometheus.yml
    done = subprocess.run(
        [sys.executable, "-c", f"PATHS = {paths}\n{_LOSES_AN_EXECUTOR}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    values = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines() if not line.startswith("#") and " " in line)
    names = {series.partition("{")[0] for series in values}
    assert names >= SPARK, done.stderr
    (lost,) = (value for series, value in values.items() if "ExitedUnexpectedly" in series)
    assert float(lost) == 1
