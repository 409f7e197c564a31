"""What was trained, kept and read can be found again, by night."""

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

from jobs.platform import tracking
from jobs.platform.night import Night
from jobs.platform.settings import Settings, settings

FIRST, SECOND = dt.date(2022, 4, 30), dt.date(2022, 5, 1)
_PYFUNC = """
import mlflow


class Constant(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input


mlflow.models.set_model(Constant())
"""


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two nights of two families; the second night's first family was trained again, and only the first night promoted."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        found = settings()
    (pyfunc := home / "pyfunc.py").write_text(_PYFUNC)
    for night, family, quality in (
        (FIRST, "a", 1),
        (FIRST, "b", 2),
        (SECOND, "a", 3),
        (SECOND, "a", 4),
        (SECOND, "b", 5),
    ):
        saved = home / f"{family}{quality}"
        saved.mkdir()
        (saved / "model.json").write_text(str(quality))
        trains = Night(night, found, inputs={"gold.interactions": quality})
        with tracking.run(trains, f"recommend/{family}", {"quality": quality}) as run:
            run.log_metrics({"auc": quality})
            run.log_model(
                "recommender", family, saved, pyfunc=pyfunc, input_example=pd.DataFrame({"x": ["u"]}), prediction=["u"]
            )
    with tracking.run(Night(FIRST, found), "recommend/promote", {}) as run:
        run.log_dict({"reason": "b is best"}, "verdict.json")
    for night, live in ((FIRST, "b"), (SECOND, None)):
        versions = {v.family: v for v in tracking.candidates(found, "recommender", night=night, families=["a", "b"])}
        tracking.set_verdict(found, "recommender", night=night, promoted=versions[live] if live else None)
    return found


def test_history_has_the_newest_version_of_each_family_and_night(tracked: Settings) -> None:
    found = tracking.history(tracked, FIRST, SECOND)
    assert [(v.night, v.family, v.metrics["auc"], v.promoted) for v in found] == [
        (FIRST, "a", 1.0, False),
        (FIRST, "b", 2.0, True),
        (SECOND, "a", 4.0, False),
        (SECOND, "b", 5.0, False),
    ]
    assert tracking.history(tracked, SECOND, SECOND) == found[2:]
    assert tracking.history(tracked, SECOND + dt.timedelta(days=1), dt.date.max) == []


def test_an_artifact_is_found_by_key_and_night(tracked: Settings) -> None:
    path = tracking.artifact(tracked, "recommend/promote", FIRST, "verdict.json")
    assert path is not None
    assert json.loads(path.read_text()) == {"reason": "b is best"}
    assert tracking.artifact(tracked, "recommend/promote", SECOND, "verdict.json") is None
    assert tracking.artifact(tracked, "recommend/promote", FIRST, "other.json") is None
    assert tracking.artifact(tracked, "ads/promote", FIRST, "verdict.json") is None


def test_the_inputs_of_live_models_are_those_of_champions(tracked: Settings) -> None:
    assert tracking.live_inputs(tracked) == {"gold.interactions": [(FIRST, 2)]}


def test_to_look_where_nothing_was_tracked_makes_nothing(home: Path) -> None:
    assert tracking.history(settings(), FIRST, SECOND) == []
    assert tracking.artifact(settings(), "recommend/promote", FIRST, "verdict.json") is None
    assert tracking.live_inputs(settings()) == {}
    assert list(home.iterdir()) == []
