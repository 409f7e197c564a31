"""A folder of captioned clips becomes rows that say which of them a model may learn from."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyspark.sql import SparkSession

from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.query.duckdb_views import run_query
from jobs.video.mp4 import encode_mp4
from jobs.video.training_clips import TABLE, main, training_clips
from models.video.caption_check import CaptionCheck, Opinion
from models.video.captioned_clips import read_captioned_clips
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description, labels
from models.video.generator import Frames
from models.video.ngram_text import NgramEncoder
from models.video.training import Training
from models.video.translation import Translator

MAY_1 = dt.date(2022, 5, 1)


class Shouting(Translator):
    """Gives the same words, louder."""

    def translate(self, texts: Sequence[str]) -> list[str]:
        return [text.upper() for text in texts]


def drawn(description: Description, seed: int = 0) -> Frames:
    return render(description, 16, 64, np.random.default_rng(seed))[0]


def write_folder(folder: Path, clips: dict[str, tuple[Frames | bytes, str]]) -> Path:
    """Write clips with their captions, as finetrainers reads them."""
    folder.mkdir()
    for name, (content, _) in clips.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else encode_mp4(content, 8))
    lines = [json.dumps({"file_name": name, "caption": caption}) for name, (_, caption) in clips.items()]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


class SeesCats(CaptionCheck):
    """Sees a cat in every clip; a judge that was trained is in tests/models/video/test_caption_check.py."""

    def __init__(self) -> None:
        said = labels([Description("cat"), Description("sunrise")])
        self.reader = NgramEncoder(32)
        captions = ["a cute kitten", "a sunrise"]
        self.reader.fit(captions, torch.from_numpy(said), steps=40, rng=torch.Generator(), training=Training())
        self.reader.eval()

    def __call__(self, frames: Frames, caption: str) -> Opinion:
        assert frames.shape == (16, 64, 64, 3)
        return Opinion(mismatch="subject is sunrise in the caption, cat in the clip" if "sunrise" in caption else None)


@pytest.fixture(scope="module")
def check() -> CaptionCheck:
    return SeesCats()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cat = drawn(Description("cat"))
    clips: dict[str, tuple[Frames | bytes, str]] = {
        "cat.mp4": (cat, "a cute kitten"),
        "copy.mp4": (cat // 8 * 7, "a small beautiful cat"),
        "lie.mp4": (drawn(Description("cat"), seed=3), "a calm sunrise"),
        "broken.mp4": (encode_mp4(cat, 8)[:3000], "a cute kitten"),
        "short.mp4": (cat[:8], "a cute kitten"),
        "balloon.mp4": (
            drawn(Description("balloon", "red", "1", "left", "fast", "day")),
            "a shiny balloon turning left",
        ),
    }
    return write_folder(tmp_path_factory.mktemp("clips") / "drawn", clips)


def checked(
    folder: Path, check: CaptionCheck, translators: Mapping[str, Sequence[Translator]] | None = None
) -> list[dict[str, Any]]:
    clips = list(dict.fromkeys(read_captioned_clips(folder)))
    return training_clips(folder, clips, [], translators or {}, lambda: check)


def test_each_clip_is_kept_or_dropped_with_its_reasons(folder: Path, check: CaptionCheck) -> None:
    rows = {row["path"]: row for row in checked(folder, check)}
    reasons = {path: "; ".join(row["reasons"]) for path, row in rows.items()}
    assert reasons["cat.mp4"] == reasons["balloon.mp4"] == ""
    assert reasons["copy.mp4"] == "copy of cat.mp4"
    assert reasons["lie.mp4"] == "subject is sunrise in the caption, cat in the clip"
    assert reasons["broken.mp4"].startswith("damaged: ")
    assert reasons["short.mp4"] == "lasts 1 s, less than 2 s"
    assert [path for path, row in rows.items() if row["kept"]] == ["cat.mp4", "balloon.mp4"]
    assert rows["cat.mp4"]["not_judged"] is None
    assert rows["balloon.mp4"]["not_judged"] == "the judge does not know shiny"
    assert rows["balloon.mp4"]["mirrored_caption"] == "a shiny balloon turning right"
    assert rows["balloon.mp4"]["reversed_caption"] is None


def test_paraphrases_that_say_the_same_are_added(folder: Path, check: CaptionCheck) -> None:
    rows = {row["path"]: row for row in checked(folder, check, {"en": (Shouting(), Shouting())})}
    assert rows["cat.mp4"]["paraphrase"] is None
    assert rows["cat.mp4"]["paraphrase_refusal"] == "the same words"
    assert "paraphrase" not in rows["copy.mp4"]


def test_a_clip_with_two_captions_is_no_copy_of_itself(folder: Path, check: CaptionCheck, tmp_path: Path) -> None:
    (tmp_path / "videos.txt").write_text(f"{folder / 'cat.mp4'}\n" * 3, encoding="utf-8")
    (tmp_path / "prompts.txt").write_text("a cute kitten\nan unknown animal\na cute kitten", encoding="utf-8")
    rows = checked(tmp_path, check)
    assert [(row["path"], row["caption"], row["kept"]) for row in rows] == [
        (str(folder / "cat.mp4"), "a cute kitten", True), (str(folder / "cat.mp4"), "an unknown animal", True),
    ]  # fmt: skip


def of_day(folder: Path) -> list[dict[str, Any]]:
    rows = JobContext(MAY_1, settings()).lake.arrow(TABLE).to_table().to_pylist()
    return sorted((row for row in rows if row["folder"] == str(folder)), key=lambda row: str(row["path"]))


def test_each_folder_of_a_day_has_its_rows(
    spark: SparkSession, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cat, dog = drawn(Description("cat")), drawn(Description("dress", "red"))
    first = write_folder(
        tmp_path / "first", {"a.mp4": (cat, "my pet"), "b.mp4": (dog, "她的衣柜"), "c.mp4": (b"", "nothing")}
    )
    second = write_folder(tmp_path / "second", {"d.mp4": (cat // 8 * 7, "the same pet, darker")})
    for folder in (first, second):
        main(["--date", str(MAY_1), "--clips", str(folder)])
    printed = capsys.readouterr().out
    assert "a.mp4: kept, not judged: the judge does not know my" in printed
    assert "2 of 3 clips are kept" in printed
    assert [row["kept"] for row in of_day(first)] == [True, True, False]
    assert [row["reasons"] for row in of_day(second)] == [[f"copy of {first / 'a.mp4'}"]]
    before = of_day(first)
    main(["--date", str(MAY_1), "--clips", str(first)])
    assert of_day(first) == before
    assert len(of_day(second)) == 1
    assert run_query(settings(), f"select count(*) from {TABLE} where kept").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--clips", "absent"], 65, "no such folder"),
        (["--clips", "absent", "--zh-en", "x"], 64, "give both translators"),
    ],
)
def test_what_is_wrong_with_the_command_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--date", str(MAY_1), *arguments])
    assert ended.value.code == code
    assert message in capsys.readouterr().err
