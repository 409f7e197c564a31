"""
### Record a decision that no rule can make

Press *Trigger*, and state for which night something is right although it looks wrong, and why. The decision is recorded in
`ops.decisions` with your name and the time, as by `make accept` in the shell. From then on every run of the night follows it,
and the night's report shows it. Afterwards clear the failed task of the night, or backfill the night again.

| `what` | `of` | meaning |
|---|---|---|
| `empty` | `behavior_logs` | the night has no log, because the app or its log was down |
| `volume` | a feed | the number of rows is right, and so is the number in quarantine |
| `labels` | `click_model` | the night's clicks are complete, although the click models expected more or fewer |
| `snapshot` | `users`, `videos`, `campaigns` | the snapshot is missing; use the previous one |
| `model` | `recommender`, `click_model`, `video_generator` | what served before the night stays, however good the others |

The last decision counts; `withdraw` takes it back.

**When it fails:** nothing was recorded. The last line of the log gives the reason: correct it and trigger the DAG again.
"""

import datetime as dt
import logging

from airflow.sdk import DAG, Context, Param

from dags._tasks import OF_ALL_DAGS, job_task

KINDS = ["empty", "volume", "labels", "snapshot", "model"]
SUBJECTS = [
    "behavior_logs",
    "users",
    "videos",
    "campaigns",
    "video_prompts",
    "recommender",
    "click_model",
    "video_generator",
]
_NOBODY = (None, "Anonymous")
"""Airflow's user if nobody is logged in."""


def who_decides(logged_in: str | None, named: str | None) -> str:
    """Return the user who is logged in, otherwise the name from the form, otherwise an empty string."""
    return (named or "") if logged_in in _NOBODY else str(logged_in)


def log_advice(context: Context) -> None:
    """Log at the end of a failed task's log that nothing was recorded."""
    logging.getLogger(__name__).error("nothing was recorded: %s\nTrigger it again.", context.get("exception"))


with DAG(
    "accept",
    schedule=None,
    max_active_runs=1,
    dagrun_timeout=dt.timedelta(hours=1),
    params={
        "night": Param(type="string", format="date", description="The night, in the lake's time zone"),
        "what": Param(
            type="string", enum=KINDS, description="The kind of decision; see the table in this DAG's documentation"
        ),
        "of": Param(type="string", enum=SUBJECTS, description="The feed or model that the decision is about"),
        "why": Param(type="string", minLength=1, maxLength=500, description="The reason"),
        "who": Param(None, type=["null", "string"], description="Your name, if nobody is logged in"),
        "withdraw": Param(False, type="boolean", description="Withdraw the decision"),
    },
    tags=["ingest", "recommend", "ads"],
    doc_md=__doc__,
    **OF_ALL_DAGS
    | {
        "allowed_run_types": ("manual",),
        "user_defined_macros": {"who_decides": who_decides},
        "default_args": OF_ALL_DAGS["default_args"] | {"pre_execute": None, "on_failure_callback": log_advice},
    },
) as dag:
    job_task(
        "backfill.accept",
        "--as={{ params.what }}",
        "--of={{ params.of }}",
        "--why={{ params.why }}",
        "--who={{ who_decides(dag_run.triggering_user_name, params.who) }}",
        "{{ '--withdraw' if params.withdraw else '--no-withdraw' }}",
        date="{{ params.night }}",
    )
