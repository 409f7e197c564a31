"""Doubtful videos wait until somebody decides; decisions hold for all requests that share a video, and survive reruns."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.platform.errors import BadInput, UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.query.duckdb_views import run_query
from jobs.report.summary import summary
from jobs.video import generated_videos, review, review_queue
from jobs.video.clip import Clip
from jobs.video.generate import generate
from jobs.video.plan import REQUESTS, read_shard, write_plan
from jobs.video.review_queue import APPROVED, REFUSED, transform
from jobs.video.user_requests import user_requests
from models.video.generator import Frames, VideoGenerator, VideoSpec
from schemas.contract import load_contract
from tests.jobs.video.clips import SIGNER, SPEC, asked_for

MAY_1, MAY_2 = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
TEXTS = ("a man with a gun", "waves", "a still lake", "unknown words", "a man with a gun", "porn", "broken")


class Painter(VideoGenerator):
    """Draws moving noise, or the same picture again for a text that is `still`; it does not understand `unknown`."""

    name, version, spec = "painter", "painter-1", SPEC

    def understood(self, prompt: str) -> list[str]:
        return [] if "unknown" in prompt else prompt.split()

    def generate(self, prompts: list[str], seeds: list[int], spec: VideoSpec) -> Frames:  # type: ignore[override]
        if "broken" in prompts[0]:
            raise ValueError("no")
        rng = np.random.default_rng(seeds[0])
        clip = rng.integers(0, 255, (spec.frames, spec.height, spec.width, 3)).astype(np.uint8)
        return np.stack([clip[:1].repeat(spec.frames, 0) if "still" in prompts[0] else clip])


class NewPainter(Painter):
    version = "painter-2"


def request_night(date: dt.date, texts: tuple[str, ...] = TEXTS) -> None:
    """Publish requests of users."""
    asked = [
        asked_for(text, request=f"{n}", user_id=f"{n:032x}", size="64x64", seconds="0.5")
        for n, text in enumerate(texts)
    ]
    table = pa.Table.from_pylist(list(user_requests(asked, date, "painter", 1)), load_contract(REQUESTS).arrow_schema())
    JobContext(date, settings(), writes=REQUESTS).lake.write(table)


def make_night(date: dt.date, generator: VideoGenerator | None = None) -> None:
    """Plan, generate and publish a night, as its DAG does."""
    generator = generator or Painter()
    rows = sorted(table(REQUESTS, date), key=lambda row: row["rank"])
    shards = write_plan(settings().videos, date, rows, generator)
    generate(settings().videos, [r.clip for shard in shards for r in read_shard(shard)], generator, SIGNER)
    for job in (review_queue, generated_videos):
        job.main(["--date", str(date)])


def table(name: str, date: dt.date) -> list[dict[str, Any]]:
    rows = JobContext(date, settings()).lake.arrow(name).to_table().to_pylist()
    return [row for row in rows if row["date"] == date]


def became(date: dt.date) -> dict[str, str]:
    """Return the app's id of each request -> its outcome."""
    outcomes = {row["request_id"]: row["outcome"] for row in table(generated_videos.TABLE, date)}
    requests = table(REQUESTS, date)
    assert outcomes.keys() == {row["request_id"] for row in requests if row["refusal"] is None}, (
        "the books do not balance"
    )
    return {row["request"]: outcomes.get(row["request_id"], "refused") for row in requests}


@pytest.fixture
def night(home: Path, spark: SparkSession) -> dict[str, str]:
    """A night with a request of every outcome; text -> name of its video."""
    request_night(MAY_1)
    make_night(MAY_1)
    return {row["prompt"]: row["video_name"] for row in table(generated_videos.TABLE, MAY_1)}


def test_decisions_are_published_and_survive_reruns(night: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    start = {"0": "waiting", "1": "made", "2": "waiting", "3": "refused", "4": "waiting", "5": "refused", "6": "failed"}
    assert became(MAY_1) == start
    assert "  of 7 requests 2 were refused, 1 failed and 3 wait" in list(summary(settings(), MAY_1))
    capsys.readouterr()
    review.main([])
    listed = capsys.readouterr().out
    assert listed.count("a man with a gun") == 1
    assert f"{night['a man with a gun']}  2022-05-01, 2 requests\n  why   the prompt is about weapons\n" in listed
    assert "nothing moves in the clip" in listed
    assert str(settings().videos / "clips") in listed
    review.main(["--date", str(MAY_2)])
    assert capsys.readouterr().out == "no video waits\n"

    review.main(["--refuse", night["a man with a gun"], "--by", "Li", "--why", "a weapon"])
    review.main(["--approve", night["a still lake"], "--by", "Li", "--why", "still water"])
    decided = start | {"0": "refused", "2": "made", "4": "refused"}
    assert became(MAY_1) == decided
    reasons = {row["reason"] for row in table(generated_videos.TABLE, MAY_1) if row["prompt"] == "a man with a gun"}
    assert reasons == {"Li refused it: a weapon"}

    contents = [table(name, MAY_1) for name in (review_queue.TABLE, generated_videos.TABLE)]
    make_night(MAY_1)
    assert [table(name, MAY_1) for name in (review_queue.TABLE, generated_videos.TABLE)] == contents
    assert list(review.waiting(settings())) == ["no video waits"]

    # The same texts on another night are the same videos. A new generator makes others: only a refusal of the request holds.
    request_night(MAY_2)
    make_night(MAY_2)
    assert became(MAY_2) == decided
    make_night(MAY_1, NewPainter())
    assert became(MAY_1) == decided | {"2": "waiting"}

    review.main(["--approve", night["a man with a gun"], "--by", "Wu", "--why", "a toy"])
    assert became(MAY_2) == decided | {"0": "made", "4": "made"}


def test_analysts_see_no_text_of_a_waiting_request(night: dict[str, str]) -> None:
    rows = run_query(settings(), "from gold.review_queue")
    assert not {"prompt"} & {*rows.columns}
    assert "gun" not in str(rows.fetchall())


def test_a_doubtful_video_without_a_row_in_the_queue_is_not_published(night: dict[str, str]) -> None:
    empty = load_contract(review_queue.TABLE).arrow_schema().empty_table()
    JobContext(MAY_1, settings(), writes=review_queue.TABLE).lake.write(empty)
    with pytest.raises(BadInput, match=r"is doubtful, but not in the queue.*run python -m jobs\.video\.review_queue"):
        generated_videos.manifest(JobContext(MAY_1, settings()))


def test_a_decision_needs_a_known_video_an_author_and_a_reason(night: dict[str, str]) -> None:
    name = night["a still lake"]
    before = table(review_queue.TABLE, MAY_1)
    for names, who, why in (
        ([name, "0" * 32], "Li", "x"),
        ([name], "", "x"),
        ([name], "Li", " "),
        ([name], "Li", "a\nb"),
    ):
        with pytest.raises(UsageError, match=r"is not in the queue|BY is empty|WHY "):
            list(review.decide(settings(), names, APPROVED, who, why))
    assert table(review_queue.TABLE, MAY_1) == before


def test_without_a_queue_nothing_waits(home: Path) -> None:
    assert list(review.waiting(settings())) == ["no video waits"]


CLIPS = [Clip(f"text {n}", 1, SPEC, "painter", version) for n in range(3) for version in ("1", "2")]
made_decisions = st.lists(
    st.tuples(st.sampled_from([MAY_1, MAY_2]), st.integers(0, 4), st.sampled_from(CLIPS), st.sampled_from([APPROVED, REFUSED])),
    max_size=6, unique_by=lambda d: d[:2],
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(CLIPS), st.booleans()), max_size=5), made_decisions)
def test_the_last_decision_about_a_video_counts(
    found: list[tuple[Clip, bool]], made: list[tuple[dt.date, int, Clip, str]]
) -> None:
    requests = [
        ({"date": MAY_1, "request_id": f"{n:016x}", "prompt": clip.prompt}, clip, ["x"] * doubt)
        for n, (clip, doubt) in enumerate(found)
    ]
    decided = [
        {"date": date, "request_id": f"{n:016x}", "video_name": clip.name, "doubts": ["y"], "decision": decision, "who": "Li",
         "why": "z", "decided_at": time}
        for time, (date, n, clip, decision) in enumerate(made)
    ]  # fmt: skip
    rows = {row["request_id"]: row for row in transform(requests, decided).to_pylist()}
    for request, clip, doubts in requests:
        about = [d["decision"] for d in decided if d["video_name"] == clip.name]
        refused = any(
            d["decision"] == REFUSED and (d["date"], d["request_id"]) == (MAY_1, request["request_id"]) for d in decided
        )
        expected = about[-1] if about else REFUSED if refused else None
        assert (request["request_id"] in rows) is bool(doubts or expected)
        if request["request_id"] in rows:
            assert rows[request["request_id"]]["decision"] == expected
