"""Nights that train tiny models, promote the best and serve it, with nothing but MLflow."""

import datetime as dt
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import pandas as pd
from mlflow.cli import cli

from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import Settings, settings

FIRST, SECOND = dt.date(2022, 4, 30), dt.date(2022, 5, 1)
FAMILIES = ["a", "b"]
_PYFUNC = """
import mlflow


class Constant(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input


mlflow.models.set_model(Constant())
"""


def use(home: Path) -> Settings:
    """The settings of a state folder, which all of MLflow uses from then on."""
    os.environ["NIGHTREEL_HOME"] = str(home)  # the fixture `elsewhere` takes it back
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow sets it to the store that it used last
    found = settings()
    mlflow.set_tracking_uri(found.mlflow_uri)
    # MLflow remembers for the life of a process where a run's artifacts are; no job uses two state folders.
    mlflow.tracking._tracking_service.utils._artifact_repos_cache.clear()
    return found


def train(found: Settings, night: dt.date, family: str, quality: int) -> str:
    """Train one family; the quality is its only parameter, its metric and all that it has learned."""
    with TemporaryDirectory() as folder:
        (pyfunc := Path(folder, "pyfunc.py")).write_text(_PYFUNC)
        (saved := Path(folder, family)).mkdir()
        (saved / "model.json").write_text(str(quality))
        trains = JobContext(night, found)
        trains.lake.inputs["gold.daily_interactions"] = quality
        with tracking.run(trains, f"recommend/{family}", {"quality": quality}) as run:
            run.log_metrics({"auc": quality})
            example = pd.DataFrame({"x": ["u"]})
            return run.log_model("recommender", family, saved, pyfunc=pyfunc, input_example=example, prediction=["u"])


def promote(found: Settings, night: dt.date) -> str:
    """The best model of the night goes live."""
    versions = tracking.candidates(found, "recommender", night=night, families=FAMILIES)
    best = max(versions, key=lambda version: version.metrics["auc"])
    with tracking.run(JobContext(night, found), "recommend/promote", {}) as run:
        run.log_dict({"promoted": best.version}, "verdict.json")
        tracking.set_verdict(found, "recommender", night=night, promoted=best)
    return best.version


def serve(found: Settings, night: dt.date) -> int:
    """The quality of the model that serves."""
    version = tracking.serving(found, "recommender", night=night)
    return int((tracking.download(found, version) / "model.json").read_text())


def look(found: Settings) -> None:
    """What report, summary, provenance, stale days, maintenance and erasure ask for."""
    for version in tracking.history(found, FIRST, SECOND):
        assert tracking.training(found, version.version) is not None
    tracking.artifact(found, "recommend/promote", SECOND, "verdict.json")
    tracking.live_inputs(found)
    tracking.trained_on_erased(found, {"gold.daily_interactions": [(FIRST, 99)]})


def gc(found: Settings) -> None:
    """What `mlflow gc` does."""
    cli(["gc", "--backend-store-uri", found.mlflow_uri, "--tracking-uri", found.mlflow_uri], standalone_mode=False)


def copied(home: Path, to: Path) -> Settings:
    """A copy of a state folder, in use."""
    shutil.copytree(home, to)
    return use(to)
