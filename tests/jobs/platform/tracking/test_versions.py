"""What was trained, kept and read can be found again, by night."""

import datetime as dt
import json
from pathlib import Path

import mlflow
import pytest

from jobs.platform import tracking
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.settings import Settings
from tests.jobs.platform.tracking.nights import FIRST, SECOND, copied, gc, look, promote, serve, train, use


@pytest.fixture(scope="module")
def tracked(trained: Path) -> Settings:
    """The trained store itself, for tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NIGHTREEL_HOME", "MLFLOW_TRACKING_URI"):
            patch.setenv(name, "")
        return use(trained)


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
    assert json.loads(path.read_text())["promoted"].startswith("b-2022-04-30-")
    assert tracking.artifact(tracked, "recommend/promote", SECOND, "verdict.json") is None
    assert tracking.artifact(tracked, "recommend/promote", FIRST, "other.json") is None
    assert tracking.artifact(tracked, "ads/promote", FIRST, "verdict.json") is None


def test_the_inputs_of_live_models_are_those_of_champions(tracked: Settings) -> None:
    assert tracking.live_inputs(tracked) == {"gold.daily_interactions": [(FIRST, 2)]}


def test_to_look_where_nothing_was_tracked_makes_nothing(tmp_path: Path) -> None:
    found = use(tmp_path)
    look(found)
    assert tracking.history(found, FIRST, SECOND) == []
    assert list(tmp_path.iterdir()) == []


def test_a_model_trained_again_as_it_was_before_is_the_newest(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    again = train(found, SECOND, "a", 3)
    (candidate,) = tracking.candidates(found, "recommender", night=SECOND, families=["a"])
    assert (candidate.version, candidate.metrics) == (again, {"auc": 3.0})


def test_what_others_register_is_passed_over(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    before = tracking.history(found, dt.date.min, dt.date.max)
    store = mlflow.MlflowClient()
    store.create_registered_model("a colleague's model")
    ours = {
        "version": "a-x",
        "family": "a",
        "night": str(SECOND),
        "promoted": "true",
        "input.gold.daily_interactions": "x",
    }
    for name, tags in (
        ("a colleague's model", {}),
        ("recommender", {}),
        ("recommender", {"night": str(SECOND), "promoted": "true"}),
        ("recommender", {**ours, "night": "yesterday"}),
        ("recommender", {**ours, "promoted": "yes"}),
    ):
        store.create_model_version(name, "s3://somewhere/else", tags=tags)
    look(found)
    assert tracking.history(found, dt.date.min, dt.date.max) == before
    assert promote(found, SECOND).startswith("b-")
    assert serve(found, SECOND) == 5


def test_inputs_that_are_no_versions_are_refused(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    live = tracking.serving(found, "recommender", night=FIRST)
    mlflow.MlflowClient().set_model_version_tag(live.name, live.number, "input.gold.daily_interactions", "new")
    with pytest.raises(
        BadInput, match=r"^recommender version 2 in MLflow: tag input.gold.daily_interactions is 'new', not .*$"
    ):
        tracking.live_inputs(found)


def test_metrics_outlive_their_run(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    before = tracking.history(found, FIRST, SECOND)
    for run in mlflow.search_runs(search_all_experiments=True, output_format="list"):
        mlflow.delete_run(run.info.run_id)
    gc(found)
    assert tracking.history(found, FIRST, SECOND) == before
    promote(found, SECOND)
    assert serve(found, SECOND) == 5
    look(found)


def test_a_version_of_unknown_metrics_is_no_candidate_until_it_is_trained_again(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    (version,) = tracking.candidates(found, "recommender", night=SECOND, families=["a"])
    mlflow.MlflowClient().delete_model_version_tag(version.name, version.number, "metrics")
    assert tracking.candidates(found, "recommender", night=SECOND, families=["a"]) == [version]  # its run knows them
    (run,) = mlflow.search_runs(
        search_all_experiments=True, filter_string="attributes.run_name = 'a 2022-05-01'", output_format="list"
    )
    mlflow.delete_run(run.info.run_id)
    gc(found)
    with pytest.raises(
        MissingInput, match=r"^missing input: recommender of 2022-05-01: a; run the training of that .*$"
    ):
        promote(found, SECOND)
    assert train(found, SECOND, "a", 4) == version.version
    assert tracking.candidates(found, "recommender", night=SECOND, families=["a"]) == [version]


@pytest.mark.parametrize("damage", ["removed", "emptied", "changed"])
def test_weights_that_are_not_what_was_saved_are_refused_until_trained_again(
    trained: Path, tmp_path: Path, damage: str
) -> None:
    found = copied(trained, tmp_path / "home")
    kept = tracking.download(found, tracking.serving(found, "recommender", night=FIRST))
    if damage == "removed":
        for path in sorted(kept.parents[1].rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    elif damage == "emptied":
        (kept / "model.json").unlink()
    else:
        (kept / "model.json").write_text("9")
    with pytest.raises(
        MissingInput, match=r"^missing input: recommender b-2022-04-30-\w+: its files .* rerun the training .*$"
    ):
        serve(found, FIRST)
    train(found, FIRST, "b", 2)
    assert serve(found, FIRST) == 2
    look(found)


def test_the_champion_before_serves_where_the_last_was_removed_by_hand(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    promote(found, SECOND)
    live = tracking.serving(found, "recommender", night=SECOND)
    mlflow.MlflowClient().delete_model_version(live.name, live.number)
    assert serve(found, SECOND) == 2
    mlflow.MlflowClient().delete_registered_model("recommender")
    with pytest.raises(
        MissingInput, match=r"^missing input: recommender: no version promoted up to 2022-05-01; run .*$"
    ):
        serve(found, SECOND)


def test_a_later_night_can_promote_what_an_earlier_one_trained(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "home")
    third, fourth = (SECOND + dt.timedelta(days=days) for days in (1, 2))
    a, b = tracking.candidates(found, "recommender", night=FIRST, families=["a", "b"])

    def champions() -> list[str]:
        nights = (SECOND, third, fourth)
        return [tracking.serving(found, "recommender", night=night).version for night in nights]

    assert champions() == [b.version] * 3
    tracking.set_verdict(found, "recommender", night=third, promoted=a)
    assert champions() == [b.version, a.version, a.version]
    tracking.set_verdict(found, "recommender", night=fourth, promoted=b)
    assert champions() == [b.version, a.version, b.version]
    tracking.set_verdict(found, "recommender", night=third, promoted=None)  # that night was rerun
    assert champions() == [b.version] * 3
    tracking.set_verdict(found, "recommender", night=third, promoted=a)
    tracking.set_verdict(found, "recommender", night=fourth, promoted=None)
    assert champions() == [b.version, a.version, a.version]
    assert str(mlflow.MlflowClient().get_model_version_by_alias("recommender", "champion").version) == a.number
    assert [v.promoted for v in tracking.history(found, FIRST, FIRST)] == [False, True], "on their own night"
    newest = tracking.newest(found, "recommender", "a")
    assert newest is not None
    assert (newest.night, newest.metrics["auc"]) == (SECOND, 4.0)
    assert tracking.newest(found, "recommender", "none") is None
