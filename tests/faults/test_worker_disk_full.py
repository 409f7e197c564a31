"""A full disk of Spark's workers ends a job with an error that says so; with more room, its rerun is right."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.environment import ROOT
from jobs.platform.lake.history import publications
from tests.faults import rows
from tests.faults.attempts import DAY
from tests.faults.conftest import RecordFault

_CONF = """
spark.local.dir {disk}
spark.driver.memory 1g
spark.executor.memory 512m
spark.executor.cores 1
spark.dynamicAllocation.enabled false
"""
# In a mount namespace of its own, with a small tmpfs as the workers' disk that grows between the two attempts.
_ATTEMPTS = """
import subprocess, sys
from tests.faults.attempts import attempt
disk, uri = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
full = attempt(uri, "rows", how="write_after_shuffle")
# After it, the master of `local-cluster` may log that its executors are gone.
print(*(line for line in full.communicate()[1].splitlines() if line.startswith("error: ")), file=sys.stderr)
subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)
rerun = attempt(uri, "rows", how="write_after_shuffle")
rerun.communicate()
print(full.returncode, rerun.returncode)
"""


@pytest.mark.long
def test_the_job_says_so_and_its_rerun_is_right(table: str, tmp_path: Path, record_fault: RecordFault) -> None:
    if shutil.which("unshare") is None:
        pytest.fail("this test makes a small disk with unshare, of the package util-linux")
    rows.publish_day(table, DAY, rows.rows(DAY, 10, "before"))
    disk, conf = tmp_path / "disk", tmp_path / "spark.conf"
    disk.mkdir()
    conf.write_text(_CONF.format(disk=disk))
    environment = os.environ | {
        "NIGHTREEL_SPARK_MASTER": "local-cluster[2,1,1024]",
        "NIGHTREEL_SPARK_CONF": str(conf),
        "PYTHONPATH": ROOT,
    }
    environment.pop("SPARK_REMOTE", None)
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", _ATTEMPTS, str(disk), table]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "0"], done.stderr
    assert done.stderr.startswith("error: ")
    assert "No space left on device" in done.stderr
    last, first = list(publications(table))[:2]
    assert (first.rows, last.rows, last.version) == (10, 200_000, first.version + 1)
    assert rows.damage(table) == []
    record_fault("the disk of Spark's workers full", "the job failed clearly, its rerun published all rows")
