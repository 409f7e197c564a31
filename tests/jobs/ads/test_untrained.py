"""Nights that no click model can learn from: the champion stays, says why, and the nights after go on."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ads import REGISTERED_MODEL, promote, train
from jobs.ads.time_split import lack
from jobs.platform import tracking
from jobs.platform.settings import settings as project
from models.ads.registry import CLICK_MODELS
from tests.jobs.ads.nights import FIRST, SECOND, impressions
from tests.jobs.ads.test_time_split import NIGHT, streamed
from tests.jobs.lake import insert_rows, publish_rows

Rows = list[dict[str, Any]]
THIRD = SECOND + dt.timedelta(days=1)
ROWS = 300


def _lay(home: Path, date: dt.date, change: Callable[[Rows], Rows] = lambda rows: rows) -> None:
    """Lay the night's impressions in place of those that it had."""
    publish_rows(home, "gold.ctr_examples", date, [])
    insert_rows(home, "gold.ctr_examples", change(impressions(date, rows=ROWS)))


def _labelled(label: int) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, "label": label} for row in rows]


def _clicked_early(rows: Rows) -> Rows:
    return [{**row, "label": int(place < 9)} for place, row in enumerate(rows)]


def _night(date: dt.date, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """Train both models and give the verdict; what each said."""
    said = []
    for main, arguments in (*((train.main, ["--model", name]) for name in sorted(CLICK_MODELS)), (promote.main, [])):
        capsys.readouterr()
        main(["--date", str(date), *arguments])
        said.append(capsys.readouterr().out.strip())
    return said[:-1], said[-1]


def _run(name: str) -> mlflow.entities.Run:
    mlflow.set_tracking_uri(project().mlflow_uri)
    (found,) = mlflow.search_runs(
        search_all_experiments=True, filter_string=f"attributes.run_name = '{name}'", output_format="list"
    )
    return found


def test_a_lake_of_thin_nights_has_no_model(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thin: dict[str, Callable[[Rows], Rows]] = {
        "the night has no impression": lambda rows: [],
        "the night has no click": _labelled(0),
        "the night has nothing but clicks": lambda rows: [{**rows[0], "label": 1}],
        "300 impressions at one time": lambda rows: [{**r, "label": n % 2, "time_ms": 7} for n, r in enumerate(rows)],
        "the part held out for calibration has no click": _clicked_early,
    }
    for place, (reason, change) in enumerate(thin.items()):
        date = FIRST + dt.timedelta(days=10 * place)
        _lay(home, date, change)
        trained, verdict = _night(date, capsys)
        assert [line.partition(":")[0] for line in trained] == [f"{m} is not trained" for m in sorted(CLICK_MODELS)]
        assert verdict.startswith(f"no model serves yet: {reason}")
        assert verdict.endswith(", so no candidate could be trained")
        assert tracking.serving_or_none(project(), REGISTERED_MODEL, "ads", night=date) is None


def test_the_champion_stays_and_the_nights_after_go_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _lay(home, FIRST)
    _night(FIRST, capsys)
    champion = tracking.serving(project(), REGISTERED_MODEL, night=FIRST).version
    _lay(home, SECOND, _labelled(0))
    _, verdict = _night(SECOND, capsys)
    assert verdict == f"{champion} stays: the night has no click, so no candidate could be trained"
    assert _run(f"dcn_v2 {SECOND}").info.status == "FINISHED"
    assert "input.gold.ctr_examples" in _run(f"dcn_v2 {SECOND}").data.tags
    _lay(home, THIRD)
    trained, verdict = _night(THIRD, capsys)
    assert all(f"-{THIRD}-" in version for version in trained)
    assert champion in verdict
    assert _run(f"dcn_v2 {THIRD}").data.params["split"] == (
        f"trained on {FIRST} to {FIRST}, judged on {THIRD}; {SECOND} is left out, it has no click"
    )


def test_a_night_run_again_is_what_it_is_now(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _lay(home, FIRST)
    _night(FIRST, capsys)
    live = tracking.serving(project(), REGISTERED_MODEL, night=FIRST).version
    _lay(home, FIRST, _labelled(0))
    _, verdict = _night(FIRST, capsys)
    assert verdict == "no model serves yet: the night has no click, so no candidate could be trained"
    assert tracking.serving_or_none(project(), REGISTERED_MODEL, "ads", night=FIRST) is None
    _lay(home, FIRST)
    trained, verdict = _night(FIRST, capsys)
    assert live in trained
    assert verdict.startswith("there is no champion yet")
    assert tracking.untrained(project(), "ads", FIRST) == {}
    assert tracking.serving(project(), REGISTERED_MODEL, night=FIRST).version == live


def test_a_training_that_did_not_run_is_missing_all_the_same(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _lay(home, FIRST, _labelled(0))
    train.main(["--date", str(FIRST), "--model", "dcn_v2"])
    with pytest.raises(SystemExit) as ended:
        promote.main(["--date", str(FIRST)])
    assert ended.value.code == 66
    assert "click_model of 2022-05-01: logistic_regression; run the training" in capsys.readouterr().err


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1])), max_size=12))
def test_a_day_lacks_what_its_labels_lack(rows: list[tuple[int, int]]) -> None:
    for ago in range(4):
        labels = {label for day, label in rows if day == ago}
        expected = {0: "no impression", 2: None}.get(len(labels), "nothing but clicks" if labels == {1} else "no click")
        assert lack(streamed(rows, NIGHT - dt.timedelta(days=ago))) == expected
