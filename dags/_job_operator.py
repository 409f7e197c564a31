"""The operator that runs a job as a command, and decides which failures are retried."""

import datetime as dt
import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from airflow.providers.openlineage import conf as lineage
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags._night import night
from dags._previous_night import wait_for_previous_night

ROOT = Path(__file__).resolve().parents[1]
PYTHON = os.environ.get("NIGHTREEL_PYTHON") or str(ROOT / ".venv" / "bin" / "python")
# sysexits.h: wrong usage, bad data, missing or undeclared input. The job has printed the reason, and a retry would fail again.
NOT_WORTH_RETRYING = frozenset({os.EX_USAGE, os.EX_DATAERR, os.EX_NOINPUT, os.EX_SOFTWARE})
_GRACE = dt.timedelta(seconds=20)


class JobOperator(BaseOperator):
    """Run a command for a night. `--date` is added to its arguments, and its output goes to the task's log.

    Args:
        command: the program and its arguments.
        date: the night as YYYY-MM-DD; by default the night of the run.
        environment: variables to set in addition to Airflow's own environment.
        after_previous_night: tasks of this DAG that must have succeeded for the previous night, if that night has a run.
            Names that render as empty are ignored.
        returns_json: if True, the last line of standard output is the task's result (an XCom).
    """

    template_fields: Sequence[str] = ("command", "date", "environment", "after_previous_night")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        command: Sequence[str],
        date: str = "",
        environment: Mapping[str, str] | None = None,
        after_previous_night: Sequence[str] = (),
        returns_json: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.command = command
        self.date = date
        self.environment = environment or {}
        self.after_previous_night = after_previous_night
        self.returns_json = returns_json
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> Any:
        """Wait for the tasks in `after_previous_night`, then run the command.

        Raises:
            AirflowFailException: the exit code means that a retry cannot help.
            AirflowException: the command failed in any other way; Airflow retries it.
        """
        wait_for_previous_night(context, [task_id for task_id in self.after_previous_night if task_id])
        run = context["ti"]
        command = [*self.command, "--date", self.date or night(context["logical_date"]).isoformat()]
        environment = {**os.environ, **self.environment}
        environment["NIGHTREEL_RUN_ID"] = f"{run.dag_id}/{run.run_id}/{run.task_id}"
        environment["NIGHTREEL_ATTEMPT"] = str(run.try_number)
        if not lineage.is_disabled():
            # Imported here, because every task parses this file. It makes the task the parent of the job's own lineage events.
            from airflow.providers.openlineage.plugins.macros import lineage_parent_id

            environment["OPENLINEAGE_PARENT_ID"] = lineage_parent_id(run)
        self.log.info("%s", " ".join(command))
        code, output, last_line = self._run(command, environment)
        if code in NOT_WORTH_RETRYING:
            raise AirflowFailException(last_line)
        if code != 0:
            ending = f"exit code {code}" if code > 0 else signal.Signals(-code).name
            raise AirflowException(f"{ending}: {last_line}")
        return json.loads(output[-1]) if self.returns_json else None

    def on_kill(self) -> None:
        """Stop the command and all its child processes, when the task is cleared, marked or timed out."""
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_GRACE.total_seconds())
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, list[str], str]:
        """Return the exit code, the lines of standard output, and the last line of standard error or else output."""
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,  # all its processes can be killed together; in Airflow's session, so that they end with Airflow
        )
        output: list[str] = []
        messages: list[str] = []
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        output_thread = threading.Thread(target=self._follow, args=(self._process.stdout, output))
        output_thread.start()
        self._follow(self._process.stderr, messages)
        output_thread.join()
        code = self._process.wait()
        return code, output, (messages or output or ["no output"])[-1].removeprefix("error: ")

    def _follow(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            if text := line.rstrip():
                lines.append(text)
                self.log.info("%s", text)
