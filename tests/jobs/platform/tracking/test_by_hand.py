"""Whatever people do to MLflow by hand, in any order: a night works or ends in one line, and works once run again."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mlflow
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mlflow.entities import ViewType

from jobs.platform.errors import NightreelError
from jobs.platform.settings import Settings
from tests.jobs.platform.tracking.nights import (
    FAMILIES,
    FIRST,
    SECOND,
    copied,
    gc,
    look,
    promote,
    serve,
    train,
    use,
)


def _delete_experiment(found: Settings, at: int) -> Settings:
    for experiment in mlflow.search_experiments(filter_string="name != 'Default'")[at:][:1]:
        mlflow.delete_experiment(experiment.experiment_id)
    return found


def _restore_experiment(found: Settings, at: int) -> Settings:
    for experiment in mlflow.search_experiments(ViewType.DELETED_ONLY)[at:][:1]:
        mlflow.MlflowClient().restore_experiment(experiment.experiment_id)
    return found


def _rename_experiment(found: Settings, at: int) -> Settings:
    for experiment in mlflow.search_experiments(filter_string="name != 'Default'")[at:][:1]:
        mlflow.MlflowClient().rename_experiment(experiment.experiment_id, f"{experiment.name} of old")
    return found


def _delete_run(found: Settings, at: int) -> Settings:
    for run in mlflow.search_runs(search_all_experiments=True, output_format="list")[at:][:1]:
        mlflow.delete_run(run.info.run_id)
    return found


def _purge(found: Settings, at: int) -> Settings:
    gc(found)
    return found


def _delete_version(found: Settings, at: int) -> Settings:
    for version in mlflow.search_model_versions()[at:][:1]:
        mlflow.MlflowClient().delete_model_version(version.name, version.version)
    return found


def _untag_version(found: Settings, at: int) -> Settings:
    for version in mlflow.search_model_versions()[at // 2 :][:1]:
        for tag in ("metrics", "promoted")[at % 2 :][:1]:
            mlflow.MlflowClient().delete_model_version_tag(version.name, version.version, tag)
    return found


def _delete_alias(found: Settings, at: int) -> Settings:
    for model in mlflow.search_registered_models():
        mlflow.MlflowClient().delete_registered_model_alias(model.name, "champion")
    return found


def _delete_model(found: Settings, at: int) -> Settings:
    for model in mlflow.search_registered_models():
        mlflow.MlflowClient().delete_registered_model(model.name)
    return found


def _rename_model(found: Settings, at: int) -> Settings:
    for model in mlflow.search_registered_models():
        mlflow.MlflowClient().rename_registered_model(model.name, f"{model.name} of old")
    return found


def _delete_artifacts(found: Settings, at: int) -> Settings:
    artifacts = found.home / "mlartifacts"
    for folder in sorted((*artifacts.glob("models/*"), *artifacts.glob("*")))[at:][:1]:
        shutil.rmtree(folder)
    return found


def _move(found: Settings, at: int) -> Settings:
    found.home.rename(moved := found.home.with_name(f"{found.home.name} {at}"))
    return use(moved)


def _copy(found: Settings, at: int) -> Settings:
    return copied(found.home, found.home.with_name(f"{found.home.name}+{at}"))


_ACTIONS: tuple[Callable[[Settings, int], Settings], ...] = (
    _delete_experiment,
    _restore_experiment,
    _rename_experiment,
    _delete_run,
    _purge,
    _delete_version,
    _untag_version,
    _delete_alias,
    _delete_model,
    _rename_model,
    _delete_artifacts,
    _move,
    _copy,
)


def _works_or_says_why(act: Callable[[], object]) -> None:
    said = ""
    try:
        act()
    except NightreelError as error:
        said = str(error)
    assert "\n" not in said
    assert not said or "; " in said  # what to do


@given(st.lists(st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 5)), min_size=1, max_size=6))
@examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_night_works_or_says_why(
    trained: Path, actions: list[tuple[Callable[[Settings, int], Settings], int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = copied(trained, Path(folder, "home"))
        for action, at in actions:
            found = action(found, at)
            look(found)
            _works_or_says_why(partial(serve, found, FIRST))
        _works_or_says_why(partial(promote, found, SECOND))
        _works_or_says_why(partial(serve, found, SECOND))
        for quality, family in enumerate(FAMILIES, start=4):
            train(found, SECOND, family, quality)
        assert promote(found, SECOND).startswith("b-2022-05-01-")
        assert serve(found, SECOND) == 5
        look(found)
