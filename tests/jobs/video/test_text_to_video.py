"""A night from requests to manifest, through the command lines, on a real lake; and the training of the generator."""

import datetime as dt
import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.query.duckdb_views import run_query
from jobs.report.summary import summary
from jobs.video import generate, generated_videos, generators, plan, requests, review_queue, train_generator
from jobs.video.clip import Clip
from jobs.video.mp4 import verify_mp4
from jobs.video.user_requests import user_requests
from models.video.judge import Judge
from models.video.vae import VaeGenerator
from schemas.contract import load_contract
from tests.jobs.video.clips import asked_for
from tests.models.video.tiny import TINY
from tests.models.video.tiny_pipeline import save_tiny_pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = dt.date(2022, 5, 1)
DATE = ["--date", str(NIGHT)]
PROMPTS = ["日出", "waves", "a red car", "海浪", "rain"]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline") / "tiny"
    save_tiny_pipeline(folder)
    return folder


@pytest.fixture
def requested_home(home: Path, pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """State folder with requests for `PROMPTS`; the tiny pipeline is the generator."""
    monkeypatch.setenv("NIGHTREEL_VIDEO_GENERATOR", str(pipeline))
    rows = [
        {
            "date": NIGHT, "request_id": f"{number:016x}", "prompt": prompt, "language": "en", "origin": "taste",
            "tag": "39", "rank": number + 1, "seed": number,
        }
        for number, prompt in enumerate(PROMPTS)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=load_contract(requests.TABLE).arrow_schema())
    write_deltalake(str(home / "lake" / "gold" / "video_requests"), table, partition_by=["date"])
    return home


def _plan(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    plan.main(DATE)
    return list(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_a_night_of_videos(requested_home: Path, spark: "SparkSession", capsys: pytest.CaptureFixture[str]) -> None:
    shards = _plan(capsys)
    assert len(shards) == 2
    contents = [Path(shard).read_bytes() for shard in shards]
    assert _plan(capsys) == shards
    assert [Path(shard).read_bytes() for shard in shards] == contents

    generate.main([*DATE, "--shard", shards[0]])
    for job in (review_queue, generated_videos):
        with pytest.raises(SystemExit) as exit_info:
            job.main(DATE)
        assert exit_info.value.code == 66
    assert "missing input: 1 of the 5 videos of 2022-05-01" in capsys.readouterr().err
    assert not (requested_home / "lake" / "gold" / "generated_videos").exists()

    generate.main([*DATE, "--shard", shards[1]])
    review_queue.main(DATE)
    generated_videos.main(DATE)
    rows = DeltaTable(str(requested_home / "lake" / "gold" / "generated_videos")).to_pyarrow_table().to_pylist()
    assert sorted(row["prompt"] for row in rows) == sorted(PROMPTS)
    for row in rows:
        facts = verify_mp4(requested_home / "videos" / row["path"])
        assert (facts.frames, facts.height, facts.width) == (row["frames"], row["height"], row["width"])
        assert "decodes" in row["checks"]
    assert (requested_home / "videos" / "contact_sheets" / "2022-05-01.png").stat().st_size > 1000

    times = {path: path.stat().st_mtime_ns for path in (requested_home / "videos" / "clips").rglob("*.*")}
    for shard in shards:
        generate.main([*DATE, "--shard", shard])
    assert {path: path.stat().st_mtime_ns for path in (requested_home / "videos" / "clips").rglob("*.*")} == times


def _fail(clip: Clip, videos: Path) -> None:
    """Replace a video by the record of an error."""
    (videos / clip.path).unlink()
    (videos / clip.sidecar).unlink()
    (videos / clip.failure).write_text('{"error": "ValueError()", "prompt": "…"}', encoding="utf-8")


def test_a_failed_prompt_does_not_fail_the_night(
    requested_home: Path, spark: "SparkSession", capsys: pytest.CaptureFixture[str]
) -> None:
    shards = _plan(capsys)
    for shard in shards:
        generate.main([*DATE, "--shard", shard])
    first, second, *others = [request.clip for shard in shards for request in plan.read_shard(Path(shard))]
    _fail(second, requested_home / "videos")
    review_queue.main(DATE)
    rows = generated_videos.manifest(JobContext(NIGHT, settings())).to_pylist()
    assert [row["prompt"] for row in rows] == PROMPTS
    assert {row["prompt"]: row["failure"] for row in rows if row["outcome"] == "failed"} == {"waves": "ValueError()"}
    for clip in (first, *others):
        _fail(clip, requested_home / "videos")
    with pytest.raises(BadInput, match=r"all 5 prompts of 2022-05-01 failed, the first with ValueError\(\)"):
        generated_videos.manifest(JobContext(NIGHT, settings()))


def test_every_request_of_a_user_is_made_refused_or_failed(
    home: Path,
    pipeline: Path,
    spark: "SparkSession",
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NIGHTREEL_VIDEO_GENERATOR", str(pipeline))
    texts = ["a secret cat", "a  secret cat", "waves", "", "кошка", "rain"]
    asked = [asked_for(text, request=f"{n}", user_id=f"{n:032x}", size="64x64") for n, text in enumerate(texts)]
    asked.append(asked_for("rain", request="other", size="96x64", seconds="1", generator=str(pipeline)))
    rows = list(user_requests(asked, NIGHT, str(pipeline), 1))
    table = pa.Table.from_pylist(rows, schema=load_contract(requests.TABLE).arrow_schema())
    JobContext(NIGHT, settings(), writes=requests.TABLE).lake.write(table)
    shards = _plan(capsys)
    for shard in shards:
        generate.main([*DATE, "--shard", shard])
    clips = {request.request_id: request.clip for shard in shards for request in plan.read_shard(Path(shard))}
    _fail(clips[rows[2]["request_id"]], home / "videos")
    review_queue.main(DATE)
    generated_videos.main(DATE)
    query = """
        select request, case when refusal is null then outcome else 'refused' end as became,
               coalesce(refusal, failure) as reason, path, v.width, v.frames
        from gold.video_requests left join gold.generated_videos as v using (date, request_id) order by request
    """
    became = run_query(settings(), query).fetchall()
    assert [(request, outcome) for request, outcome, *_ in became] == [
        ("0", "made"), ("1", "made"), ("2", "failed"), ("3", "refused"), ("4", "refused"), ("5", "made"), ("other", "made"),
    ]  # fmt: skip
    assert [reason is None for _, _, reason, *_ in became] == [True, True, False, False, False, True, True]
    assert became[0][3] == became[1][3]
    assert len(list((home / "videos" / "clips").rglob("*.mp4"))) == 3
    facts = verify_mp4(home / "videos" / str(became[-1][3]))
    assert (facts.width, facts.height, facts.frames) == (96, 64, round(facts.fps))
    assert not generated_videos.contact_sheet_path(home / "videos", NIGHT).exists()
    assert "secret" not in capsys.readouterr().err
    lines = list(summary(settings(), NIGHT))
    assert "  of 7 requests 2 were refused, 1 failed and 0 wait" in lines
    assert not [line for line in lines if "secret" in line]


@pytest.mark.parametrize(
    ("refused", "rows"),
    [(0, "aab"), (0, "a"), (0, "abx"), (1, "ab"), (1, "")],
    ids=["two outcomes", "no outcome", "no request", "refused and made", "accepted without outcome"],
)
def test_outcomes_that_do_not_add_up_are_not_written(refused: int, rows: str) -> None:
    requests = [{"request_id": name, "refusal": "no" if n < refused else None} for n, name in enumerate("ab")]
    with pytest.raises(BadInput, match="the outcomes of the night do not add up: 2 requests"):
        generated_videos.check_outcomes(requests, [{"request_id": name} for name in rows])
    generated_videos.check_outcomes(requests, [{"request_id": name} for name in "ab"[refused:]])


def test_a_night_without_rows_of_requests_has_no_video(
    requested_home: Path, spark: "SparkSession", capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = generated_videos.contact_sheet_path(requested_home / "videos", NIGHT)
    sheet.parent.mkdir(parents=True)
    sheet.touch()  # left by an earlier run
    shutil.rmtree(requested_home / "lake")
    JobContext(NIGHT, settings(), writes=requests.TABLE).lake.write(
        load_contract(requests.TABLE).arrow_schema().empty_table()
    )
    assert _plan(capsys) == []
    review_queue.main(DATE)
    generated_videos.main(DATE)
    night = JobContext(NIGHT, settings())
    assert night.lake.has_day(generated_videos.TABLE, NIGHT)
    assert night.lake.arrow(generated_videos.TABLE).count_rows() == 0
    assert not sheet.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not a shard of a plan"), ('{"requests": []}', "is not a shard of a plan")],
)
def test_rejects_an_invalid_shard(
    requested_home: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    shard = plan.plan_folder(requested_home / "videos", NIGHT) / "shard-0000.json"
    shard.parent.mkdir(parents=True)
    shard.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit) as exit_info:
        generate.main([*DATE, "--shard", str(shard)])
    assert exit_info.value.code == 65
    assert message in capsys.readouterr().err


def test_rejects_a_shard_of_another_night(
    requested_home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (shard, *_) = _plan(capsys)
    elsewhere = str(shutil.copy(shard, tmp_path / "shard-0000.json"))
    with pytest.raises(SystemExit) as exit_info:
        generate.main([*DATE, "--shard", elsewhere])
    assert exit_info.value.code == 65
    assert "is not a shard of 2022-05-01" in capsys.readouterr().err


def test_an_unpublished_night_of_requests_is_a_missing_input(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        plan.main(DATE)
    assert exit_info.value.code == 66
    assert "gold.video_requests has no rows for 2022-05-01" in capsys.readouterr().err


def test_the_generator_is_trained_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(VaeGenerator, "nightly", TINY["vae"])
    monkeypatch.setattr(train_generator, "Judge", partial(Judge, clips=VaeGenerator().training_data()))
    monkeypatch.setattr(train_generator, "_JUDGE_STEPS", 2)
    train_generator.main(DATE)
    version = capsys.readouterr().out.strip()
    train_generator.main(["--date", "2022-05-03"])
    train_generator.main(["--date", "2022-04-28"])
    assert capsys.readouterr().out == ""
    generator = generators.generator_for(JobContext(NIGHT, settings()))
    assert generator.version == version

    (experiment,) = [e for e in mlflow.search_experiments() if e.name == "video"]
    (run,) = mlflow.search_runs([experiment.experiment_id], output_format="list")
    assert {
        "layout_mse",
        "top_1_seen",
        "top_1_held_out",
        "accuracy_colour_held_out",
    } <= run.data.metrics.keys()
    files = {artifact.path for artifact in mlflow.MlflowClient().list_artifacts(run.info.run_id)}
    assert {"loss.png", "samples.png"} <= files
    (registered,) = mlflow.MlflowClient().search_model_versions("name = 'video_generator'")
    frames = mlflow.pyfunc.load_model(f"models:/video_generator/{registered.version}").predict(
        {"prompt": ["下雪"], "seed": [3]}
    )
    assert (frames == generator.generate(["下雪"], [3], generator.spec)).all()


def test_an_untrained_generator_is_a_missing_input(home: Path) -> None:
    with pytest.raises(MissingInput, match=r"python -m jobs\.video\.train_generator --date 2022-05-01"):
        generators.generator_for(JobContext(NIGHT, settings()))
