"""A Spark server that dies takes its jobs with it soon, and they say so: a task that hangs is not tried again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from infra.local.paths import State
from tests.faults.conftest import RecordFault
from tests.infra.connect_server import connect_server

_JOB = """
from jobs.platform.job import run_job

with run_job(["--date", "2022-05-01"], None) as night:
    numbers = night.spark.range(10**15)
    print("running", flush=True)
    numbers.selectExpr("sum(hash(id))").collect()
"""
_SOON_S = 300  # each call to the server is tried for 17 s, and ending a job takes a few; by Spark's own policy, an hour


def test_a_job_ends_soon_and_says_why(home: Path, record_fault: RecordFault) -> None:
    with connect_server(State(home)) as (server, address):
        environment = {**os.environ, "SPARK_REMOTE": address}
        job = subprocess.Popen(
            [sys.executable, "-c", _JOB], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert job.stdout is not None
        assert job.stdout.readline() == "running\n"
        assert server.pid is not None
        os.killpg(server.pid, signal.SIGKILL)
        said = job.communicate(timeout=_SOON_S)[1].strip().splitlines()[-1]
    assert job.returncode == 1
    assert said.startswith("error: ")
    assert "Failed to connect to remote host" in said
    record_fault("Spark's server killed", "its job ended soon, with the reason in its last line")
