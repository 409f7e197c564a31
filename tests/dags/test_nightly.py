"""The order of a night: what must be over before what begins."""

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from tests.night_jobs import NIGHT_JOBS

ORDER = [
    # (first, then): each is a way that data flows.
    ("ingest.land", "ingest.behavior_log"),
    ("ingest.behavior_log", "ingest.behavior_events"),
    ("ingest.quarantine", "ingest.reconciliation"),
    ("ingest.reconciliation", "features.user_features"),
    ("ingest.reconciliation", "features.ctr_examples"),
    ("ingest.watch_history", "features.interactions"),
    ("features.interactions", "recommend.train_als"),
    ("ingest.videos", "recommend.train_content_based"),
    ("recommend.train_popularity", "recommend.promote"),
    ("recommend.promote", "publish.recommendations"),
    ("features.ctr_examples", "ads.train_dcn_v2"),
    ("ads.train_logistic_regression", "ads.promote"),
    ("ads.promote", "publish.audience_segments"),
    ("ingest.campaigns", "publish.audience_segments"),
    ("features.video_features", "publish.video_requests"),
    ("publish.recommendations", "publish.report"),
]


@pytest.mark.parametrize(("first", "then"), ORDER)
def test_what_a_task_reads_is_written_before(dags: DagBag, first: str, then: str) -> None:
    nightly = dags.dags["nightly"]
    assert first in nightly.get_task(then).get_flat_relative_ids(upstream=True)


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


def test_videos_are_made_in_one_line_from_the_requests(dags: DagBag) -> None:
    dag = dags.dags["text_to_video"]
    order = ["requests", "train_generator", "plan", "generate", "generated_videos"]
    assert [task.task_id for task in dag.topological_sort()] == order
    assert [dag.get_task(task).upstream_task_ids for task in order] == [set(), *({task} for task in order[:-1])]
