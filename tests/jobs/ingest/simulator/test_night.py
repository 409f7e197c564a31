"""A simulated night as its files have it: the same each time, as odd as real logs are, and with something to learn."""

import datetime as dt
import gzip
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from jobs.ingest import landing, manifest
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, NIGHTLY, USERS, VIDEO_PROMPTS, VIDEOS
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.long_view import is_long_view
from jobs.ingest.simulator.catalogue import catalogue
from jobs.ingest.simulator.night import SEED, Scale, land
from jobs.ingest.simulator.population import blocks
from jobs.ingest.simulator.response import match_of

NIGHT = dt.date(2022, 5, 1)
ZONE = ZoneInfo("Asia/Shanghai")
SCALE = Scale(30_000)


def _bytes(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.gz"))}


def _lines(root: Path, date: dt.date = NIGHT) -> list[bytes]:
    files = sorted(landing.folder(root, BEHAVIOR_LOGS, date).glob("*.gz"))
    return [line for path in files for line in gzip.decompress(path.read_bytes()).split(b"\n")[1:-1]]


def _rows(root: Path, date: dt.date = NIGHT) -> polars.DataFrame:
    """The readable rows of a night's log."""
    names = NIGHTLY[BEHAVIOR_LOGS].required
    lines = [line for line in _lines(root, date) if line.count(b",") == len(names) - 1 and line.isascii()]
    text = polars.read_csv(b"\n".join(lines), has_header=False, new_columns=names, infer_schema=False)
    rows = text.select(polars.all().cast(polars.Int64, strict=False)).drop_nulls()
    return rows.filter(polars.col("time_ms") > 0, polars.col("play_time_ms") >= 0, polars.col("is_click") < 2)


def _snapshot(root: Path, feed: str, date: dt.date = NIGHT) -> polars.DataFrame:
    return polars.read_csv(landing.folder(root, feed, date) / f"{feed}.csv.gz", infer_schema_length=None)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("landing")
    for day in range(2):
        land(found, NIGHT + dt.timedelta(days=day), ZONE, SCALE)
    return found


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32), date=st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)))
def test_the_same_seed_and_night_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, date: dt.date
) -> None:
    one, same, other = (tmp_path_factory.mktemp("landing") for _ in range(3))
    for root, its_seed in ((one, seed), (same, seed), (other, seed + 1)):
        land(root, date, ZONE, Scale(2_000), seed=its_seed)
        manifest.check(root, date)
    assert _bytes(one) == _bytes(same)
    assert all(_bytes(one)[name] != contents for name, contents in _bytes(other).items())


def test_a_few_users_ask_for_videos_some_for_the_same_and_one_for_nothing(root: Path) -> None:
    folder = landing.folder(root, VIDEO_PROMPTS, NIGHT)
    (path,) = folder.glob("*.jsonl.gz")
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert len({line["request"] for line in lines}) == len(lines) == 6
    assert len({line["text"] for line in lines}) == 5
    assert [line["request"] for line in lines if not line["text"]] == [f"{NIGHT}-5"]
    assert all(0 <= line["user"] < SCALE.users for line in lines)


def test_prompts_that_somebody_else_landed_stay(tmp_path: Path) -> None:
    folder = landing.folder(tmp_path, VIDEO_PROMPTS, NIGHT)
    landing.write_folder(folder, lambda aside: write_gzip(aside / "own.jsonl.gz", [b'{"request": 1, "user": 2}\n']))
    land(tmp_path, NIGHT, ZONE, Scale(2_000))
    assert [path.name for path in folder.glob("*.gz")] == ["own.jsonl.gz"]


def test_a_night_needs_no_night_before(root: Path, tmp_path: Path) -> None:
    second = NIGHT + dt.timedelta(days=1)
    land(tmp_path, second, ZONE, SCALE)
    alone = _bytes(tmp_path)
    assert {name: contents for name, contents in _bytes(root).items() if str(second) in name} == alone


def test_what_is_there_on_both_days_is_the_same(root: Path) -> None:
    second = NIGHT + dt.timedelta(days=1)
    assert _snapshot(root, USERS).equals(_snapshot(root, USERS, second))
    first_videos, second_videos = (_snapshot(root, VIDEOS, date).drop("visible_status") for date in (NIGHT, second))
    both = first_videos.join(second_videos, "video_id", "semi")
    assert 0.9 * len(first_videos) < len(both) < len(first_videos)
    assert both.equals(second_videos.join(first_videos, "video_id", "semi"))
    assert second_videos.filter(polars.col("upload_dt") == str(second)).height > 0


def test_rates_are_near_those_of_real_logs(root: Path) -> None:
    rows = _rows(root)
    assert 0.9 * SCALE.events < len(rows) < 1.3 * SCALE.events  # 2022-05-01 was a Sunday
    assert 0.38 < rows["is_click"].mean() < 0.52  # type: ignore[operator]
    assert 0.25 < rows["long_view"].mean() < 0.40  # type: ignore[operator]
    assert 0.008 < rows["is_like"].mean() < 0.03  # type: ignore[operator]
    for rare in ("is_follow", "is_comment", "is_forward", "is_hate", "is_profile_enter", "comment_stay_time"):
        assert 0 < (rows[rare] > 0).mean() < 0.08  # type: ignore[operator]
    long = is_long_view(rows["play_time_ms"].to_numpy(), rows["duration_ms"].to_numpy())
    assert (long == (rows["long_view"].to_numpy() == 1)).mean() > 0.99, "some times are odd, as in real logs"


def test_the_log_is_as_odd_as_real_logs_are(root: Path) -> None:
    lines, rows = _lines(root), _rows(root)
    assert 0.0004 < 1 - len(rows) / len(lines) < 0.003
    again = 1 - len(rows.unique()) / len(rows)
    assert 0.02 < again < 0.04
    assert 1 - len(rows.unique(["user_id", "video_id", "time_ms"])) / len(rows) > again
    event = polars.from_epoch("time_ms", "ms").dt.offset_by("8h")
    days_late = rows.select(
        (dt.datetime.combine(NIGHT, dt.time()) - event.dt.truncate("1d")).dt.total_days().alias("d")
    )["d"]
    assert days_late.min() == 0
    assert 0.003 < (days_late == 1).mean() < 0.02  # type: ignore[operator]
    assert days_late.max() in (2, 3, 4)
    on_time = rows.filter(days_late == 0)
    late_hours = on_time.select((polars.col("hourmin") // 100 - event.dt.hour()).alias("h"))["h"]
    assert late_hours.min() == 0
    assert 0.12 < (late_hours > 0).mean() < 0.24  # type: ignore[operator]
    assert rows["hourmin"].is_sorted()


def test_few_videos_have_most_views_and_first_places_most_clicks(root: Path) -> None:
    rows = _rows(root).unique(["user_id", "video_id", "time_ms"])
    views = rows.group_by("video_id").len()["len"].sort(descending=True)
    assert views.head(len(views) // 10).sum() / len(rows) > 0.3
    assert rows.group_by("user_id", "video_id").len()["len"].max() == 1


def test_taste_is_what_clicks_tell(root: Path) -> None:
    rows = _rows(root).filter(polars.col("tab") == 1)
    (users,) = blocks(SEED, SCALE.users)
    shown = catalogue(SEED, NIGHT, SCALE.videos).shown
    video = numpy.searchsorted(shown.video_id, rows["video_id"].to_numpy())
    match = match_of(users, shown, rows["user_id"].to_numpy(), video)
    assert roc_auc_score(rows["is_click"].to_numpy(), match) > 0.7
    assert roc_auc_score(rows["long_view"].to_numpy(), match) > 0.7


def test_users_watch_what_was_recommended_to_them(tmp_path: Path, root: Path) -> None:
    (users,) = blocks(SEED, SCALE.users)
    shown = catalogue(SEED, NIGHT, SCALE.videos).shown
    everyone, all_videos = numpy.arange(len(users)), numpy.arange(len(shown.video_id))
    scores = numpy.stack(
        [match_of(users, shown, everyone, numpy.full(len(users), video)) for video in all_videos], axis=1
    )
    best = shown.video_id[numpy.argsort(-scores, axis=1)[:, :50]]
    land(tmp_path, NIGHT, ZONE, SCALE, slates=lambda user_ids: best[user_ids])
    pairs = polars.DataFrame({"user_id": everyone.repeat(50), "video_id": best.ravel()})
    rows = _rows(tmp_path).filter(polars.col("tab") == 1)
    recommended = rows.join(pairs, ["user_id", "video_id"], "semi")
    assert len(recommended) > 0.4 * len(rows)
    usual = _rows(root).filter(polars.col("tab") == 1)
    assert recommended["is_click"].mean() > 1.2 * usual["is_click"].mean()  # type: ignore[operator]


def test_more_views_come_in_more_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.ingest.simulator.population.BLOCK", 400)
    land(tmp_path, NIGHT, ZONE, Scale(20_000))
    counts = manifest.check(tmp_path, NIGHT)
    assert len(counts[BEHAVIOR_LOGS]) == 3
    assert min(file.rows for file in counts[BEHAVIOR_LOGS].values()) > 1_000
    assert sum(file.rows for file in counts[USERS].values()) == 1_000
    assert _snapshot(tmp_path, USERS)["user_id"].to_list() == list(range(1_000))


def test_videos_speak_chinese_of_many_categories(root: Path) -> None:
    videos = _snapshot(root, VIDEOS)
    categories = videos["tag"].str.split(",").list.first()
    assert {"美食", "旅游", "健康"} <= set(categories)
    assert categories.n_unique() >= 16
    assert videos["title"].n_unique() > 0.7 * len(videos)
    assert set(videos["visible_status"]) == {0.0, 1.0}
    campaigns = _snapshot(root, CAMPAIGNS)
    ads = videos.filter(polars.col("video_type") == "AD", polars.col("visible_status") == 0)
    assert set(campaigns["video_id"]) <= set(ads["video_id"])
    assert campaigns["campaign_id"].is_unique().all()


@pytest.mark.parametrize(
    ("zone", "date"),
    [("Africa/Cairo", dt.date(2024, 4, 26)), ("America/Havana", dt.date(2022, 11, 6)), ("UTC", NIGHT)],
    ids=["23-hours", "25-hours", "24-hours"],
)
def test_no_view_is_later_than_its_night(tmp_path: Path, zone: str, date: dt.date) -> None:
    land(tmp_path, date, ZoneInfo(zone), Scale(2_000))
    seconds = (_rows(tmp_path, date)["time_ms"] // 1000).to_list()
    days = {dt.datetime.fromtimestamp(second, ZoneInfo(zone)).date() for second in seconds}
    assert max(days) == date
    assert min(days) >= date - dt.timedelta(days=4)
