"""Model files reach the workers of a Connect server, and executors that share no folder with the job."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.environment import ROOT
from infra.local.paths import State
from tests.infra.connect_server import connect_server

JOB = """
import sys
from pathlib import Path
from jobs.platform import model_files
from jobs.platform.spark import session

def read(name, batches):
    for batch in batches:
        directory = model_files.on_worker(name)
        texts = [(directory / "a.txt").read_text(), (directory / "part" / "b.txt").read_text()]
        yield batch.set_column(1, "text", [" ".join(texts)] * batch.num_rows)

spark = session()
rows = spark.range(0, 4, 1, 4).selectExpr("id", "'' AS text")
for folders in (["one", "two"], ["other", "two"]):
    with model_files.sent(spark, *[Path(sys.argv[1], folder) for folder in folders]) as name:
        read_texts = rows.mapInArrow(lambda batches: read(name, batches), "id long, text string").toArrow()
    print(*sorted(set(read_texts["text"].to_pylist())), read_texts.num_rows)
spark.stop()
"""


@pytest.mark.parametrize("where", ["connect", "cluster"])
def test_files_reach_the_workers(home: Path, where: str) -> None:
    files = {"one/a.txt": "first", "two/part/b.txt": "second", "other/a.txt": "third"}
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    if where == "cluster":
        # The settings of a cluster. Each executor is a process with folders of its own.
        output = run({"NIGHTREEL_SPARK_MASTER": "local-cluster[2,1,1024]"}, home)
    else:
        with connect_server(State(home)) as (_, address):
            output = run({"SPARK_REMOTE": address}, home)
    assert output == "first second 4\nthird second 4\n"


def run(variables: dict[str, str], home: Path) -> str:
    job = subprocess.run(
        [sys.executable, "-c", JOB, str(home)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert job.returncode == 0, job.stderr
    return job.stdout
