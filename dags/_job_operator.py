"""The operator that runs a job as a command, and knows which of its failures are worth another try."""

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
PYTHON = str(ROOT / ".venv" / "bin" / "python")
# sysexits.h: called wrongly, bad data, missing or undeclared input. A job that ends so has said why, and would end so again.
NOT_WORTH_RETRYING = frozenset({os.EX_USAGE, os.EX_DATAERR, os.EX_NOINPUT, os.EX_SOFTWARE})
_GRACE = dt.timedelta(seconds=20)


class JobOperator(BaseOperator):
    """Run a command for a night: `--date` is added, its output becomes the task's log.

    Args:
        command: the program and its arguments.
        date: the night as YYYY-MM-DD, the run's own unless given.
        environment: what to set beside the environment that Airflow itself has.
        after_previous_night: tasks of this DAG that must have succeeded for the night before, if that night is a run at all.
            Names that render empty are left out.
        returns_json: whether the last line of standard output is the task's result (an XCom).
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
        """Wait for the night before where told to, run the command, and judge how it ended.

        Raises:
            AirflowFailException: it ended with a code that says that another try cannot help.
            AirflowException: it ended in any other bad way; Airflow tries again.
        """
        wait_for_previous_night(context, [task_id for task_id in self.after_previous_night if task_id])
        run = context["ti"]
        command = [*self.command, "--date", self.date or night(context["logical_date"]).isoformat()]
        environment = {**os.environ, **self.environment}
        environment["NIGHTREEL_RUN_ID"] = f"{run.dag_id}/{run.run_id}/{run.task_id}"
        if not lineage.is_disabled():
            # Imported here, since every task parses this file. By it the job's own events belong to those of the task.
            from airflow.providers.openlineage.plugins.macros import lineage_parent_id

            environment["OPENLINEAGE_PARENT_ID"] = lineage_parent_id(run)
        self.log.info("%s", " ".join(command))
        code, output, last_words = self._run(command, environment)
        if code in NOT_WORTH_RETRYING:
            raise AirflowFailException(last_words)
        if code != 0:
            ending = f"exit code {code}" if code > 0 else signal.Signals(-code).name
            raise AirflowException(f"{ending}: {last_words}")
        return json.loads(output[-1]) if self.returns_json else None

    def on_kill(self) -> None:
        """Stop the command and all that it started, when the task is cleared, marked or out of time."""
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_GRACE.total_seconds())
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, list[str], str]:
        """Exit code, lines of standard output, and the last line that the command wrote anywhere."""
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,  # to be ended as one; still in Airflow's session, so that it ends with Airflow too
        )
        output: list[str] = []
        messages: list[str] = []
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        aside = threading.Thread(target=self._follow, args=(self._process.stdout, output))
        aside.start()
        self._follow(self._process.stderr, messages)
        aside.join()
        code = self._process.wait()
        return code, output, (messages or output or ["it said nothing"])[-1].removeprefix("error: ")

    def _follow(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            if text := line.rstrip():
                lines.append(text)
                self.log.info("%s", text)
