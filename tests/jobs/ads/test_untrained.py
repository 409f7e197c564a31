"""Nights without usable training data: the champion stays, the reason is recorded, and later nights work."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ads import REGISTERED_MODEL, promote, train
from jobs.ads.time_split import label_defect
from jobs.platform import tracking
from jobs.platform.settings import settings as project
from models.ads.registry import CLICK_MODELS
from tests.jobs.ads.nights import FIRST, SECOND, impressions
from tests.jobs.ads.test_time_split import NIGHT, streamed
from tests.jobs.lake import insert_rows, publish_rows

Rows = list[dict[str, Any]]
THIRD = SECOND + dt.timedelta(days=1)
ROWS = 300


def _write_night(home: Path, date: dt.date, change: Callable[[Rows], Rows] = lambda rows: rows) -> None:
    """Replace the impressions of the night."""
    publish_rows(home, "gold.ctr_examples", date, [])
    insert_rows(home, "gold.ctr_examples", change(impressions(date, rows=ROWS)))


def _labelled(label: int) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, "label": label} for row in rows]


def _clicked_by_users_of_training(rows: Rows) -> Rows:
    return [{**row, "label": int(row["user_id"] > "8")} for row in rows]


def _night(date: dt.date, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """Run both trainings and the promotion; return their outputs."""
    outputs = []
    for main, arguments in (*((train.main, ["--model", name]) for name in sorted(CLICK_MODELS)), (promote.main, [])):
        capsys.readouterr()
        main(["--date", str(date), *arguments])
        outputs.append(capsys.readouterr().out.strip())
    return outputs[:-1], outputs[-1]


def _run(name: str) -> mlflow.entities.Run:
    mlflow.set_tracking_uri(project().mlflow_uri)
    (run,) = mlflow.search_runs(
        search_all_experiments=True, filter_string=f"attributes.run_name = '{name}'", output_format="list"
    )
    return run


def test_a_lake_without_usable_nights_has_no_model(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unusable: dict[str, Callable[[Rows], Rows]] = {
        "the night has no impression": lambda rows: [],
        "the night has no click": _labelled(0),
        "the night has nothing but clicks": lambda rows: [{**rows[0], "label": 1}],
        "300 impressions with the same time": lambda rows: [
            {**r, "label": n % 2, "time_ms": 7} for n, r in enumerate(rows)
        ],
        "the holdout has no click": _clicked_by_users_of_training,
    }
    for number, (reason, change) in enumerate(unusable.items()):
        date = FIRST + dt.timedelta(days=10 * number)
        _write_night(home, date, change)
        trained, verdict = _night(date, capsys)
        assert [line.partition(":")[0] for line in trained] == [f"{m} is not trained" for m in sorted(CLICK_MODELS)]
        assert verdict.startswith(f"no model serves yet: {reason}")
        assert verdict.endswith(", so no candidate could be trained")
        assert tracking.serving_or_none(project(), REGISTERED_MODEL, "ads", night=date) is None


def test_the_champion_stays_and_later_nights_are_trained(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_night(home, FIRST)
    _night(FIRST, capsys)
    champion = tracking.serving(project(), REGISTERED_MODEL, night=FIRST).version
    _write_night(home, SECOND, _labelled(0))
    _, verdict = _night(SECOND, capsys)
    assert verdict == f"{champion} stays: the night has no click, so no candidate could be trained"
    assert _run(f"dcn_v2 {SECOND}").info.status == "FINISHED"
    assert "input.gold.ctr_examples" in _run(f"dcn_v2 {SECOND}").data.tags
    _write_night(home, THIRD)
    trained, verdict = _night(THIRD, capsys)
    assert all(f"-{THIRD}-" in version for version in trained)
    assert champion in verdict
    assert _run(f"dcn_v2 {THIRD}").data.params["split"] == (
        f"trained on {FIRST} to {FIRST}, judged on {THIRD}; {SECOND} is left out, it has no click"
    )


def test_running_a_changed_night_again_updates_its_models(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_night(home, FIRST)
    _night(FIRST, capsys)
    promoted = tracking.serving(project(), REGISTERED_MODEL, night=FIRST).version
    _write_night(home, FIRST, _labelled(0))
    _, verdict = _night(FIRST, capsys)
    assert verdict == "no model serves yet: the night has no click, so no candidate could be trained"
    assert tracking.serving_or_none(project(), REGISTERED_MODEL, "ads", night=FIRST) is None
    _write_night(home, FIRST)
    trained, verdict = _night(FIRST, capsys)
    assert promoted in trained
    assert verdict.startswith("there is no champion yet")
    assert tracking.untrained(project(), "ads", FIRST) == {}
    assert tracking.serving(project(), REGISTERED_MODEL, night=FIRST).version == promoted


def test_a_training_that_did_not_run_is_a_missing_input(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_night(home, FIRST, _labelled(0))
    train.main(["--date", str(FIRST), "--model", "dcn_v2"])
    with pytest.raises(SystemExit) as ended:
        promote.main(["--date", str(FIRST)])
    assert ended.value.code == 66
    assert "click_model of 2022-05-01: logistic_regression; run the training" in capsys.readouterr().err


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1])), max_size=12))
def test_label_defect_names_the_missing_label(rows: list[tuple[int, int]]) -> None:
    for ago in range(4):
        labels = {label for day, label in rows if day == ago}
        expected = {0: "no impression", 2: None}.get(len(labels), "nothing but clicks" if labels == {1} else "no click")
        assert label_defect(streamed(rows, NIGHT - dt.timedelta(days=ago))) == expected
