"""The text of an erased user is in no clip, no record of an error and no plan."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.platform import erasure
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from jobs.privacy import erase
from jobs.privacy.clips import erase_clips
from jobs.video import generated_videos, review, review_queue
from jobs.video.generate import generate
from jobs.video.plan import REQUESTS, read_shard, shards, write_plan
from jobs.video.user_requests import user_requests
from schemas.contract import load_contract
from tests.jobs.video.clips import FORBIDDEN, SIGNER, FailingGenerator, asked_for

NIGHT, OTHER_NIGHT = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
GONE, STAYS = 987654321987, 7


def make_night(date: dt.date, *prompts: tuple[int, str]) -> None:
    """Publish the requests of users, plan and generate them, and publish what became of them."""
    secret = key(settings())
    asked = [
        asked_for(text, request=f"{n}", user_id=pseudonym(user, secret), seconds="0.5")
        for n, (user, text) in enumerate(prompts)
    ]
    rows = list(user_requests(asked, date, "vae", 1))
    table = pa.Table.from_pylist(rows, schema=load_contract(REQUESTS).arrow_schema())
    JobContext(date, settings(), writes=REQUESTS).lake.write(table)
    generator = FailingGenerator(ValueError(f"cannot draw {FORBIDDEN} of me"))
    plan = write_plan(settings().videos, date, rows, generator)
    generate(settings().videos, [request.clip for shard in plan for request in read_shard(shard)], generator, SIGNER)
    for job in (review_queue, generated_videos):
        job.main(["--date", str(date)])


def test_clips_that_only_erased_users_asked_for_are_deleted(home: Path, spark: SparkSession) -> None:
    texts = ("my house with a gun", "a shared cat", f"{FORBIDDEN} of me", "🌅 x")
    make_night(NIGHT, *((GONE, text) for text in texts), (STAYS, "a shared cat"), (STAYS, "rain"))
    make_night(OTHER_NIGHT, (STAYS, "rain"), (STAYS, "snow"))
    videos = settings().videos

    def names(pattern: str) -> int:
        return len(list((home / "videos" / "clips").rglob(pattern)))

    assert (names("*.mp4"), names("*.failed.json")) == (5, 1)
    assert "my house" in "".join(review.waiting(settings()))
    said = list(erase.erase(settings(), [GONE]))
    assert "3 clips deleted" in said
    assert (names("*.mp4"), names("*.json")) == (3, 3)
    assert (shards(videos, NIGHT), len(shards(videos, OTHER_NIGHT))) == ([], 1)
    left = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"my house" not in left
    assert b"of me" not in left
    for table in (REQUESTS, generated_videos.TABLE):
        rows = JobContext(NIGHT, settings()).lake.read(table)
        assert sorted(row.prompt for row in rows.collect()) == ["a shared cat", "rain", "rain", "snow"]
    assert list(review.waiting(settings())) == ["no video waits"]
    assert "clips deleted" not in " ".join(erase.erase(settings(), [GONE]))


def test_a_lake_without_requests_has_no_clips_of_users(home: Path) -> None:
    erasure.add(settings(), [pseudonym(GONE, key(settings()))], key(settings()))
    assert list(erase_clips(settings())) == []
