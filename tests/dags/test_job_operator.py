"""The operator with real commands: how each way of ending is judged, and that no process outlives its task."""

import datetime as dt
import os
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags._job_operator import JobOperator

CONTEXT: Any = {
    "logical_date": dt.datetime(2022, 4, 30, 16, tzinfo=dt.UTC),
    "ti": SimpleNamespace(dag_id="nightly", run_id="backfill__1", task_id="ingest.land", try_number=2),
}


def operator(code: str, **options: Any) -> JobOperator:
    return JobOperator(task_id="job", command=[sys.executable, "-c", code], **options)


@pytest.mark.parametrize("code", [os.EX_USAGE, os.EX_DATAERR, os.EX_NOINPUT, os.EX_SOFTWARE])
def test_what_a_retry_cannot_help_fails_at_once_with_the_jobs_own_words(code: int) -> None:
    job = operator(
        f"import sys; print('starting'); print('error: silver.users is empty', file=sys.stderr); sys.exit({code})"
    )
    with pytest.raises(AirflowFailException, match=r"^silver\.users is empty$"):
        job.execute(CONTEXT)


@pytest.mark.parametrize("code", [1, 2, 75, 137])
def test_any_other_failure_is_tried_again(code: int) -> None:
    with pytest.raises(AirflowException, match=f"exit code {code}: out of luck") as failure:
        operator(f"import sys; print('out of luck', file=sys.stderr); sys.exit({code})").execute(CONTEXT)
    assert not isinstance(failure.value, AirflowFailException)


def test_a_killed_job_is_tried_again() -> None:
    with pytest.raises(AirflowException, match="SIGKILL") as failure:
        operator("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").execute(CONTEXT)
    assert not isinstance(failure.value, AirflowFailException)


def test_a_failure_without_a_word_says_so() -> None:
    with pytest.raises(AirflowException, match="exit code 3: no output"):
        operator("raise SystemExit(3)").execute(CONTEXT)


def test_a_job_is_told_its_night_its_run_and_its_attempt() -> None:
    names = ("NIGHTREEL_RUN_ID", "NIGHTREEL_ATTEMPT", "X")
    code = f"import json, os, sys; print(json.dumps([sys.argv[1:], *map(os.environ.get, {names})]))"
    result = operator(code, environment={"X": "y"}, returns_json=True).execute(CONTEXT)
    assert result == [["--date", "2022-05-01"], "nightly/backfill__1/ingest.land", "2", "y"]


def test_a_job_is_told_the_run_that_its_lineage_belongs_to(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import json, os; print(json.dumps(os.environ.get('OPENLINEAGE_PARENT_ID')))"
    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
        monkeypatch.delenv(name)
    assert operator(code, returns_json=True).execute(CONTEXT) is None
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", '{"type": "console"}')
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "nightreel")
    of_dag = SimpleNamespace(logical_date=CONTEXT["logical_date"])
    run = SimpleNamespace(**vars(CONTEXT["ti"]), map_index=-1)
    run.get_template_context = lambda: {"dag_run": of_dag}
    told = operator(code, returns_json=True).execute(CONTEXT | {"ti": run})
    assert re.fullmatch(r"nightreel/nightly\.ingest\.land/[0-9a-f-]{36}", told)


def test_a_result_is_the_last_line_of_the_output_and_not_what_is_logged() -> None:
    code = "import sys; print('planning', file=sys.stderr); print('3 shards'); print('[\"a\", \"b\"]')"
    assert operator(code, returns_json=True).execute(CONTEXT) == ["a", "b"]
    assert operator(code).execute(CONTEXT) is None


def test_a_job_that_says_a_lot_on_both_streams_does_not_block() -> None:
    code = "import sys\nfor i in range(20000): print('x' * 50); print('y' * 50, file=sys.stderr)\nprint('[1]')"
    assert operator(code, returns_json=True).execute(CONTEXT) == [1]


def test_output_that_is_no_utf8_does_not_end_the_task() -> None:
    operator("import sys; sys.stderr.buffer.write(b'caf\\xe9\\n')").execute(CONTEXT)


def test_a_killed_task_takes_all_processes_of_its_job_along(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    child = f"import time\nwhile True: open({str(beat)!r}, 'a').write('.'); time.sleep(0.02)"
    job = operator(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    ended: list[Exception] = []

    def run() -> None:
        try:
            job.execute(CONTEXT)
        except AirflowException as error:
            ended.append(error)

    task = threading.Thread(target=run)
    task.start()
    deadline = time.monotonic() + 120
    while not beat.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert beat.exists()
    job.on_kill()
    task.join(120)
    assert not task.is_alive()
    assert "SIGTERM" in str(ended[0])
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size
