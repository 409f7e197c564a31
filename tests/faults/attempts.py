"""Attempts to publish a day, each in a process of its own, which a test can stop at a point of the write."""

import datetime as dt
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from jobs.platform import lake
from schemas.contract import load_contract
from tests.faults import rows

if TYPE_CHECKING:
    from pyspark.sql import Column

DAY = dt.date(2022, 5, 1)
"""The day that attempts publish."""
_ATTEMPT = """
import sys
from jobs.platform.command import command
from tests.faults import attempts
how, uri, said = sys.argv[1:]
with command([], None):
    getattr(attempts, how)(uri, said)
"""


def attempt(uri: str, said: str, failpoint: str = "", how: str = "write") -> "subprocess.Popen[str]":
    """Start an attempt to publish ten rows that contain `said`, by the function `how` of this module."""
    command = [sys.executable, "-c", _ATTEMPT, how, uri, said]
    environment = os.environ | {"NIGHTREEL_FAILPOINT": failpoint}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def write(uri: str, said: str) -> None:
    """Publish ten rows without Spark."""
    rows.publish_day(uri, DAY, rows.rows(DAY, 10, said))


def write_with_spark(uri: str, said: str) -> None:
    """Publish ten rows as a job does: Spark writes, audits and hashes them."""
    from jobs.platform.spark import session

    contract, token = load_contract(rows.TABLE), lake.token(uri, DAY)
    lake.create(contract, uri)
    frame = session().createDataFrame(rows.as_table(uri, DAY, rows.rows(DAY, 10, said)))
    lake.replace_day(session(), frame, contract, uri, DAY, token, {"run": "test", "inputs": {}})


def write_after_shuffle(uri: str, said: str) -> None:
    """Publish 200,000 rows that Spark has shuffled: some 20 MB on the disks of its executors."""
    from pyspark.sql import functions as F

    from jobs.platform.spark import session

    spark = session()  # before any column is made
    columns: dict[str, Column] = {
        "source": F.lit("silver.behavior_events"),
        "log_file": F.lit(f"dt={DAY}/part-00000.csv.gz"),
        "log_line": F.col("id") + 2,
        "header": F.lit(None).cast("string"),
        "user_id": F.lit(None).cast("string"),
        "raw": F.sha2(F.concat(F.lit(said), F.col("id")), 512),
        "reasons": F.array(F.lit("tab_not_negative")),
        "arrival_date": F.lit(DAY),
    }
    frame = spark.range(200_000).select(*(column.alias(name) for name, column in columns.items())).repartition(4)
    contract, token = load_contract(rows.TABLE), lake.token(uri, DAY)
    lake.replace_day(spark, frame, contract, uri, DAY, token, {"run": "test", "inputs": {}})


def wait_until_stopped(process: "subprocess.Popen[str]") -> None:
    """Wait until an attempt has stopped itself at its failpoint."""
    state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert state is not None
    assert state.si_code == os.CLD_STOPPED, process.communicate()[1]
