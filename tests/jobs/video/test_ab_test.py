"""Two generators side by side: each is trained once, one makes some of the videos, and viewers decide which one serves."""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from jobs.platform import tracking
from jobs.platform.decisions import MODEL, Decision
from jobs.platform.errors import BadInput
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.video import plan, promote, train_generator
from jobs.video.generators import REGISTERED_MODEL, generator_for, named, serving
from jobs.video.plan import CHALLENGER, CHALLENGER_SHARE, CHAMPION, read_shard
from models.video.judge import Judge
from models.video.rnn import RnnGenerator
from models.video.vae import VaeGenerator
from tests.jobs.lake import insert_decisions, insert_rows
from tests.models.video.tiny import TINY

NIGHT = dt.date(2022, 5, 1)
LATER = NIGHT + dt.timedelta(days=12)
REQUESTS = [
    {"request_id": hashlib.sha256(b"%d" % number).hexdigest()[:16], "prompt": "waves", "seed": number, "rank": number}
    for number in range(1, 201)
]


def _context(night: dt.date) -> JobContext:
    return JobContext(night, settings())


def _insert_feedback(home: Path, version: str, videos: int, long_views: int) -> None:
    """Insert what viewers did with videos of a version: 100 impressions each, on one night."""
    names = (f"{version}/{number}" for number in range(videos))
    row = {"date": LATER, "requested": NIGHT, "generator_version": version, "tag": "美食", "impressions": 100}
    rows = [
        row | {"video_id": n, "video_name": name, "long_views": long_views + n % 3 - 1} for n, name in enumerate(names)
    ]
    insert_rows(home, "gold.video_feedback", rows)


def _verdict(night: dt.date, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    promote.main(["--date", str(night)])
    return capsys.readouterr().out.strip()


def test_viewers_choose_between_two_generators(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in (VaeGenerator, RnnGenerator):
        monkeypatch.setattr(model, "nightly", TINY[model.name])
    monkeypatch.setattr(train_generator, "Judge", partial(Judge, clips=VaeGenerator().training_data()))
    monkeypatch.setattr(train_generator, "_JUDGE_STEPS", 2)
    monkeypatch.setenv("NIGHTREEL_VIDEO_GENERATOR", "vae,rnn")
    train_generator.main(["--date", str(NIGHT)])
    assert [line.partition("-")[0] for line in capsys.readouterr().out.split()] == ["vae", "rnn"]
    train_generator.main(["--date", str(LATER)])
    assert capsys.readouterr().out == ""
    vae, rnn = (generator_for(_context(NIGHT), name) for name in ("vae", "rnn"))
    champion = tracking.champion(settings(), REGISTERED_MODEL, before=LATER)
    assert champion is not None
    assert champion.model == vae.version
    monkeypatch.setattr(train_generator, "train", lambda *_: pytest.fail("it is trained already"))

    # Nobody has watched: the first one named serves, and a challenger makes a tenth of the night's own requests.
    assert _verdict(NIGHT, capsys) == f"there is no champion yet; {champion.version} is named first"
    assert _verdict(NIGHT + dt.timedelta(days=1), capsys).endswith("too few videos were watched")
    assert serving(_context(LATER)) == "vae"
    of_users = [row | {"user_id": "1" * 32, "request_id": f"{row['rank']:016x}"} for row in REQUESTS]
    shards = plan.write_plan(home, NIGHT, REQUESTS + of_users, vae, challengers=[rnn])
    planned = [request for shard in shards for request in read_shard(shard)]
    assert plan.write_plan(home, NIGHT, REQUESTS + of_users, vae, challengers=[rnn]) == shards
    assert {(request.arm, request.clip.generator_version) for request in planned} == {
        (CHAMPION, vae.version),
        (CHALLENGER, rnn.version),
    }
    challenged = {request.request_id for request in planned if request.arm == CHALLENGER}
    assert challenged < {row["request_id"] for row in REQUESTS}
    assert len(challenged) / len(REQUESTS) == pytest.approx(CHALLENGER_SHARE, abs=0.05)
    assert {request.arm for shard in plan.write_plan(home, NIGHT, REQUESTS, vae) for request in read_shard(shard)} == {
        CHAMPION
    }

    # Viewers prefer the challenger: it serves from that night on, unless somebody decided otherwise.
    _insert_feedback(home, vae.version, videos=60, long_views=30)
    _insert_feedback(home, rnn.version, videos=12, long_views=60)
    stays = Decision(LATER, MODEL, REGISTERED_MODEL, "ann", "a demo", dt.datetime(2022, 5, 20, tzinfo=dt.UTC))
    insert_decisions(home, stays)
    assert _verdict(LATER, capsys).endswith("stays, as ann decided: a demo")
    assert serving(_context(LATER)) == "vae"
    insert_decisions(home, replace(stays, withdrawn=True, made_at=stays.made_at + dt.timedelta(hours=1)))
    for _ in range(2):
        assert "long-view rate 60.0% of 12 videos against 30.0%, difference +2" in _verdict(LATER, capsys)
        assert serving(_context(LATER)) == "rnn"
        assert serving(_context(LATER - dt.timedelta(days=1))) == "vae"
    path = tracking.artifact(settings(), "video/promote", LATER, "verdict.json")
    assert path is not None
    recorded = json.loads(path.read_text(encoding="utf-8"))
    assert recorded["promoted"] == tracking.serving(settings(), REGISTERED_MODEL, night=LATER).version
    assert recorded["champion"] == champion.version
    assert generator_for(_context(LATER)).version == rnn.version
    _verdict(tomorrow := LATER + dt.timedelta(days=1), capsys)
    assert serving(_context(tomorrow)) == "rnn", "the old champion is the challenger now"

    # One generator alone serves whatever viewers did.
    monkeypatch.setenv("NIGHTREEL_VIDEO_GENERATOR", "vae")
    assert _verdict(tomorrow, capsys) == ""
    assert generator_for(_context(tomorrow)).version == vae.version


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("vae", ["vae"]),
        ("vae, flow", ["vae", "flow"]),
        ("/pipelines/one,two", ["/pipelines/one,two"]),
        ("vae,vae", None),
        ("vae,/pipelines/one", None),
        ("vae,", None),
    ],
)
def test_several_generators_are_those_of_the_project(
    monkeypatch: pytest.MonkeyPatch, home: Path, setting: str, names: Sequence[str] | None
) -> None:
    monkeypatch.setenv("NIGHTREEL_VIDEO_GENERATOR", setting)
    if names is not None:
        assert list(named(settings())) == names
        return
    with pytest.raises(BadInput, match=r"name one generator, or different ones of vae, rnn, .*, separated by commas"):
        named(settings())
