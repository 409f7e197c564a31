"""
### Decide, on record, what no rule can

Press *Trigger*, and say for which night what is right although it looks wrong, and why. `ops.decisions` keeps it with who and
when, as `make accept` does from the shell. Every run of the night goes by it from now on, and the night's report shows it:
clear the task of the night that failed, or backfill the night again.

| `what` | `of` | |
|---|---|---|
| `empty` | `behavior_logs` | the night has no log, since the app or its log was down |
| `volume` | `behavior_logs`, `users`, `videos`, `campaigns` | this much is right, and so is what of it is in quarantine |
| `labels` | `click_model` | the night's clicks are all there are, though no click model expected so many or so few |
| `snapshot` | `users`, `videos`, `campaigns` | it is missing, and the one before stands for it |
| `model` | `recommender`, `click_model` | the one that served before the night goes on, whatever its candidates are worth |

The last decision counts; `withdraw` takes it back.

**When it fails:** nothing was recorded. The last line of the log says what was wrong: trigger it again with that put right.
"""

import datetime as dt
import logging

from airflow.sdk import DAG, Context, Param

from dags._tasks import OF_ALL_DAGS, job_task

KINDS = ["empty", "volume", "labels", "snapshot", "model"]
SUBJECTS = ["behavior_logs", "users", "videos", "campaigns", "recommender", "click_model"]
_NOBODY = (None, "Anonymous")
"""The user of Airflow where nobody logs in."""


def who_decides(logged_in: str | None, named: str | None) -> str:
    """The user who is logged in, or who is named in the form where nobody is; empty where neither is known."""
    return (named or "") if logged_in in _NOBODY else str(logged_in)


def say_what_to_do(context: Context) -> None:
    """Leave, at the end of a failed task's log, that nothing was recorded."""
    logging.getLogger(__name__).error("nothing was recorded: %s\nTrigger it again.", context.get("exception"))


with DAG(
    "accept",
    schedule=None,
    max_active_runs=1,
    dagrun_timeout=dt.timedelta(hours=1),
    params={
        "night": Param(type="string", format="date", description="The night, in the lake's time zone"),
        "what": Param(
            type="string", enum=KINDS, description="What is decided; see the table in this DAG's documentation"
        ),
        "of": Param(type="string", enum=SUBJECTS, description="The feed or model it is about"),
        "why": Param(type="string", minLength=1, maxLength=500, description="The reason"),
        "who": Param(None, type=["null", "string"], description="Who decides, where nobody is logged in"),
        "withdraw": Param(False, type="boolean", description="Take the decision back"),
    },
    tags=["ingest", "recommend", "ads"],
    doc_md=__doc__,
    **OF_ALL_DAGS
    | {
        "allowed_run_types": ("manual",),
        "user_defined_macros": {"who_decides": who_decides},
        "default_args": OF_ALL_DAGS["default_args"] | {"pre_execute": None, "on_failure_callback": say_what_to_do},
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
