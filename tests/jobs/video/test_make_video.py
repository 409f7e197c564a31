"""One video from text: made as in a night, or refused with one clear line."""

import json
from functools import partial
from pathlib import Path

import pytest

from jobs.platform import tracking
from jobs.platform.settings import settings
from jobs.video import make_video, train_generator
from jobs.video.mp4 import verify_mp4
from jobs.video.prompt_check import check, normalized
from jobs.video.prompts import PROMPTS
from jobs.video.verdict import Verdict
from models.video.judge import Judge
from models.video.vae import VaeGenerator
from tests.models.video.tiny import TINY

DATE = ["--date", "2022-05-01"]


def test_a_video_is_made_once_and_its_origin_printed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(VaeGenerator, "nightly", TINY["vae"])
    monkeypatch.setattr(train_generator, "Judge", partial(Judge, clips=VaeGenerator().training_data()))
    monkeypatch.setattr(train_generator, "_JUDGE_STEPS", 2)
    monkeypatch.setattr(VaeGenerator, "understood", lambda self, prompt: ["sunrise"])  # it has learned nothing
    asked = [*DATE, "--prompt", "一个美丽的日出景象", "--generator", "vae", "--seed", "3"]
    make_video.main(asked)
    printed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    path = Path(printed["path"])
    facts = verify_mp4(path)
    assert (facts.frames, facts.width) == (16, 256)
    assert printed["prompt"] == "一个美丽的日出景象"
    assert printed["generator"] == "vae"
    assert printed["generator_version"].startswith("vae-")
    assert printed["seed"] == "3"
    assert "decodes" in printed["checks"]
    assert printed["understood"] == "sunrise"
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"] == printed["sha256"]

    training = tracking.training(settings(), printed["generator_version"])
    assert training is not None
    assert training.name == "video_generator"

    written = path.stat().st_mtime_ns
    make_video.main(asked)
    assert path.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("", "is empty"), (" \n ", "is empty"), ("日" * 501, "has 501 characters"), ("🌅🚀", "has no words"),
        ("?!…", "has no words"), ("日出\x00", r"U\+0000"), ("a\u202ecar", r"U\+202E"), ("a\x07b", r"U\+0007"),
        ("porn", "about sex"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_prompt_is_refused_in_one_line(
    home: Path, prompt: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        make_video.main([*DATE, "--prompt", prompt])
    assert exit_info.value.code == 64
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the prompt ")
    assert check(normalized(prompt)).refusal
    assert not (home / "videos").exists()


def test_a_seed_is_a_number(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_video.main([*DATE, "--prompt", "日出", "--seed", "-1"])
    assert "error: the seed '-1' is not a whole number from 0 to " in capsys.readouterr().err


def test_ordinary_prompts_are_accepted() -> None:
    prompts = [text for pairs in PROMPTS.values() for pair in pairs for text in pair]
    assert not [
        text for text in [*prompts, "a café at night 🌃", "../etc/passwd", "<b>日出</b>"] if check(text) != Verdict()
    ]
