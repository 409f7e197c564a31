"""Nights as Airflow runs them, for tests: services of their own, landings made beforehand, and the same jobs in turn."""

import datetime as dt
import importlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra import durable
from infra.local.backfill import night_of
from infra.services import Services, of_profile
from jobs.backfill.table_days import table_days
from jobs.platform.settings import settings
from jobs.video import plan

ROOT = Path(__file__).resolve().parents[2]
NIGHTS = (dt.date(2022, 5, 1), dt.date(2022, 5, 2))


@contextmanager
def services(home: Path, monkeypatch: pytest.MonkeyPatch, profile: str = "local") -> Iterator[Services]:
    """The services of a profile on a home, stopped at the end. What a cluster needs is installed."""
    monkeypatch.setenv("NIGHTREEL_HOME", str(home))
    if profile == "cluster" and os.getuid() != 0:
        pytest.skip("a cluster of network namespaces needs root")
    try:
        if profile == "cluster":
            subprocess.run(["make", "up", f"PROFILE={profile}"], cwd=ROOT, check=True)
        running = of_profile(profile)
        running.start(complete=False)
        yield running
    finally:
        of_profile(profile).stop()


def land_nights(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay both nights in an empty home, whose jobs then find them there.

    Beforehand, since simulated users react to the night before, which would put the nights in a row anyway.
    """
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", secrets.token_hex(32))
    monkeypatch.setenv("NIGHTREEL_SIMULATED_EVENTS", "5000")
    monkeypatch.delenv("NIGHTREEL_LAKE", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for night in NIGHTS:
        environment = os.environ | {"NIGHTREEL_HOME": str(home), "NIGHTREEL_SOURCE": "simulator"}
        command = [sys.executable, "-m", "jobs.ingest.land", "--date", night.isoformat()]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")


def copy_landing(home: Path, running: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the landing of a home to where running services keep theirs."""
    with monkeypatch.context() as patch:
        for name, value in running.settings.items():
            patch.setenv(name, value)
        target = settings().landing
        for path in (home / "landing").rglob("*"):
            if path.is_file():
                durable.write(target / path.relative_to(home / "landing").as_posix(), path.read_bytes())


def contents(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[dt.date, str], tuple[int, str]]:
    """Rows and content hash of each night in each table of a home."""
    monkeypatch.setenv("NIGHTREEL_HOME", str(home))
    return contents_of_lake()


def contents_of(running: Services, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[dt.date, str], tuple[int, str]]:
    """Rows and content hash of each night in each table of running services."""
    with monkeypatch.context() as patch:
        for name, value in running.settings.items():
            patch.setenv(name, value)
        return contents_of_lake()


def contents_of_lake() -> dict[tuple[dt.date, str], tuple[int, str]]:
    """Rows and content hash of each night in each table of the lake of this process."""
    return {
        (night, table.table): (table.rows, table.digest) for night in NIGHTS for table in table_days(settings(), night)
    }


def commands_of(running: Services) -> list[tuple[str, list[str]]]:
    """The jobs that Airflow ran, night after night, each night's in the order in which they began: module and arguments."""
    found = []
    for run in running.api.runs("nightly", *NIGHTS):
        tasks = running.api.tasks("nightly", run["dag_run_id"])
        for task in sorted(tasks, key=lambda task: task["start_date"]):
            _, _, module, *arguments = task["rendered_fields"]["command"]
            found.append((module, [*arguments, "--date", night_of(run).isoformat()]))
    return found


def make_videos(night: dt.date) -> None:
    """Make the videos of a night in this process, as `text_to_video` does, shard after shard."""
    date = ["--date", night.isoformat()]
    before = ("train_generator", "video_feedback", "promote", "plan")
    run_in_turn([(f"jobs.video.{job}", date) for job in before])
    shards = plan.shards(settings().videos, night)
    run_in_turn([("jobs.video.generate", [*date, "--shard", str(shard)]) for shard in shards])
    run_in_turn([("jobs.video.review_queue", date), ("jobs.video.generated_videos", date)])


def run_in_turn(commands: Sequence[tuple[str, list[str]]]) -> None:
    """Run jobs one after another in this process."""
    for module, arguments in commands:
        importlib.import_module(module).main(arguments)
