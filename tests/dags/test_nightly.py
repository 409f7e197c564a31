"""The order of a night: what must be over before what begins."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from models.ads.registry import CLICK_MODELS
from models.recommend.registry import RECOMMENDERS
from tests.night_jobs import NIGHT_JOBS

ROOT = Path(__file__).resolve().parents[2]

# Edges that were once drawn by hand: each still follows from what is declared.
INGESTED = ("behavior_log", "users", "videos", "campaigns", "watch_history")
FEATURES = ("user_features", "video_features", "daily_interactions", "ctr_examples")
PUBLISHED = ("recommendations", "audience_segments", "video_requests")
ORDER = [
    # (first, then): each is a way that data flows.
    *(("ingest.land", f"ingest.{table}") for table in INGESTED),
    ("ingest.behavior_log", "ingest.behavior_events"),
    ("ingest.behavior_log", "ingest.quarantine"),
    ("ingest.behavior_events", "ingest.quarantine"),
    *((f"ingest.{t}", "ingest.reconciliation") for t in ("behavior_events", "quarantine", *INGESTED[1:4])),
    *(("ingest.reconciliation", f"features.{table}") for table in FEATURES),
    *(("ingest.videos", f"features.{table}") for table in ("user_features", "video_features", "ctr_examples")),
    ("ingest.users", "features.ctr_examples"),
    ("ingest.watch_history", "features.daily_interactions"),
    *(
        (first, f"recommend.train_{name}")
        for name in RECOMMENDERS
        for first in ("features.daily_interactions", "ingest.videos")
    ),
    *((f"recommend.train_{name}", "recommend.promote") for name in RECOMMENDERS),
    *(("features.ctr_examples", f"ads.train_{name}") for name in CLICK_MODELS),
    *((f"ads.train_{name}", "ads.promote") for name in CLICK_MODELS),
    ("recommend.promote", "publish.recommendations"),
    ("ingest.users", "publish.recommendations"),
    ("ads.promote", "publish.audience_segments"),
    ("ingest.users", "publish.audience_segments"),
    ("ingest.campaigns", "publish.audience_segments"),
    *(
        (f"features.{first}", f"publish.{then}")
        for first in ("user_features", "video_features")
        for then in ("audience_segments", "video_requests")
    ),
    ("ingest.quarantine", "publish.report"),
    *((f"publish.{table}", "publish.report") for table in PUBLISHED),
]
WAITS = {
    "ingest.land": ["{{ 'publish.recommendations' if params.source == 'simulator' else 'ingest.reconciliation' }}"],
    "features.daily_interactions": ["features.daily_interactions"],
    "features.ctr_examples": ["features.ctr_examples", "features.user_features", "features.video_features"],
    "recommend.promote": ["recommend.promote"],
    "ads.promote": ["ads.promote"],
}
"""Task -> those of the night before that it waits for; whatever else it needs of that night follows from these."""


@pytest.mark.parametrize(("first", "then"), ORDER)
def test_what_a_task_reads_is_written_before(dags: DagBag, first: str, then: str) -> None:
    nightly = dags.dags["nightly"]
    assert first in nightly.get_task(then).get_flat_relative_ids(upstream=True)


def test_a_task_waits_for_the_night_before_where_it_reads_it(dags: DagBag) -> None:
    tasks: list[Any] = dags.dags["nightly"].tasks
    assert {task.task_id: list(task.after_previous_night) for task in tasks if task.after_previous_night} == WAITS


def test_no_edge_is_drawn_that_follows_from_others(dags: DagBag) -> None:
    tasks: dict[str, Any] = dags.dags["nightly"].task_dict
    before = {name: task.get_flat_relative_ids(upstream=True) for name, task in tasks.items()}
    for name, task in tasks.items():
        by_way_of_others = {first for last in task.upstream_task_ids for first in before[last]}
        assert by_way_of_others.isdisjoint(task.upstream_task_ids), name


def test_a_new_table_and_a_new_recommender_are_in_the_dag_without_an_edit_of_its_file(tmp_path: Path) -> None:
    for folder in ("dags", "models", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    gold = tmp_path / "schemas" / "gold"
    text = (gold / "user_features.yaml").read_text(encoding="utf-8")
    new = text.replace("gold.user_features", "gold.new").replace("features.user_features", "features.new")
    (gold / "new.yaml").write_text(new.replace("silver.videos: 0", "gold.new: 1"), encoding="utf-8")
    examples = gold / "ctr_examples.yaml"
    text = examples.read_text(encoding="utf-8")
    examples.write_text(text.replace("gold.user_features: 1", "gold.new: 0"), encoding="utf-8")
    registry = tmp_path / "models" / "recommend" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    registry.write_text(text.replace('"ease": ', '"new": "models.recommend.new:New", "ease": '), encoding="utf-8")
    program = """
from dags.nightly import dag
table, examples, model = map(dag.get_task, ("features.new", "features.ctr_examples", "recommend.train_new"))
waits = [table.after_previous_night, examples.after_previous_night]
print([asset.name for asset in table.outlets], waits[0], table.downstream_task_ids, waits[1])
print(model.downstream_task_ids)
"""
    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert asked.stdout.splitlines() == [
        "['gold.new'] ['features.new'] {'features.ctr_examples'} ['features.ctr_examples', 'features.video_features']",
        "{'recommend.promote'}",
    ], asked.stderr[-2000:]


def test_nothing_is_published_before_the_books_are_closed(dags: DagBag) -> None:
    nightly = dags.dags["nightly"]
    for task in nightly.tasks:
        if task.task_id.startswith(("recommend.", "ads.", "publish.")):
            assert "ingest.reconciliation" in task.get_flat_relative_ids(upstream=True), task.task_id


def test_the_jobs_of_a_night_as_other_tests_run_them(dags: DagBag) -> None:
    tasks: list[Any] = dags.dags["nightly"].tasks
    commands = {tuple(task.command[2:]): task.task_id for task in tasks}
    jobs = [(f"jobs.{module}", *arguments) for module, *arguments in NIGHT_JOBS]
    assert set(commands) == set(jobs)
    for place, command in enumerate(jobs):
        before = dags.dags["nightly"].get_task(commands[command]).get_flat_relative_ids(upstream=True)
        assert before <= {commands[other] for other in jobs[:place]}


def test_the_report_comes_last(dags: DagBag) -> None:
    nightly = dags.dags["nightly"]
    assert [task.task_id for task in nightly.leaves] == ["publish.report"]
    assert nightly.get_task("publish.report").get_flat_relative_ids(upstream=True) == set(nightly.task_ids) - {
        "publish.report"
    }


def test_videos_are_made_from_the_requests_by_the_generator_that_viewers_chose(dags: DagBag) -> None:
    dag = dags.dags["text_to_video"]
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "requests": set(),
        "train_generator": set(),
        "video_feedback": {"requests"},
        "promote": {"video_feedback", "train_generator"},
        "plan": {"promote"},
        "generate": {"plan"},
        "review_queue": {"generate"},
        "generated_videos": {"generate", "review_queue"},
    }
    tasks: list[Any] = dag.tasks
    waits = {task.task_id: task.after_previous_night for task in tasks if getattr(task, "after_previous_night", ())}
    assert waits == {"video_feedback": ["generated_videos"]}, "whatever else it needs of that night follows from this"
