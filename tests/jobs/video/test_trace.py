"""A stray file leads back to its prompt and model; texts of users are not shown."""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from jobs.platform.settings import settings
from jobs.video import certificate, trace
from jobs.video.boxes import without_provenance
from jobs.video.clip import Clip
from jobs.video.generate import generate
from jobs.video.mp4 import encode_mp4, read_mp4
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description
from models.video.generator import Frames, VideoGenerator, VideoSpec
from tests.jobs.lake import publish_rows

NIGHT = dt.date(2022, 5, 1)
SPEC = VideoSpec(192, 192, 8, 8)
USER = "5e" * 16


class Drawn(VideoGenerator):
    """Draws the same clip for every prompt."""

    name = "drawn"
    version = "drawn-1"
    spec = SPEC

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        clip = render(Description("road_trip", "red"), spec.frames, spec.width, np.random.default_rng(0))[0]
        return np.stack([clip for _ in prompts])


@pytest.fixture
def clip(home: Path) -> Clip:
    generator = Drawn()
    made = Clip("a secret sunset", 3, SPEC, generator.name, generator.version)
    generate(settings().videos, [made], generator, certificate.credentials(settings()))
    return made


def publish(home: Path, clip: Clip, user: str | None) -> None:
    row = {"date": NIGHT, "request_id": "ask-1", "user_id": user, "video_name": clip.name, "prompt": clip.prompt}
    row |= {"generator": clip.generator, "generator_version": clip.generator_version, "seed": clip.seed}
    row |= {"path": str(clip.path), "sha256": clip.facts(settings().videos)["sha256"], "outcome": "made"}
    publish_rows(home, "gold.generated_videos", NIGHT, [row])


def traced(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code, and output with the error."""
    code = 0
    try:
        trace.main(["--file", str(file)])
    except SystemExit as ended:
        code = int(ended.code or 0)
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == (code != 0)
    return code, printed.out + printed.err


def stray(home: Path, clip: Clip) -> Path:
    """Crop a clip and encode it again."""
    frames = read_mp4(home / "videos" / clip.path)[:, 10:182, 6:178]
    (home / "stray.mp4").write_bytes(encode_mp4(np.ascontiguousarray(frames), 8))
    return home / "stray.mp4"


def test_a_pristine_file_is_recognised_by_its_manifest(
    home: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = traced(home / "videos" / clip.path, capsys)
    assert code == 0
    assert "recognised by its manifest, signed by Nightreel clips" in said
    assert f"clip {clip.name}" in said
    assert "prompt: a secret sunset" in said
    assert f"generator drawn, version {clip.generator_version}, seed 3" in said
    assert "made by run manual, code " in said
    assert "made by make video" in said


@pytest.mark.parametrize("user", [None, USER])
def test_a_changed_file_is_recognised_by_its_mark_and_texts_of_users_are_not_shown(
    home: Path, clip: Clip, user: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(home, clip, user)
    code, said = traced(stray(home, clip), capsys)
    assert code == 0
    assert f"recognised by the mark in its frames, {clip.name[:16]}" in said
    assert f"clip {clip.name}" in said
    assert f"request ask-1 of {NIGHT}" in said
    assert "gold.generated_videos date=2022-05-01, request_id=ask-1" in said
    assert ("a secret sunset" in said) == (user is None)
    assert ("the text of a user" in said) == (user is not None)
    assert USER not in said


def test_of_an_erased_clip_only_the_file_speaks(home: Path, clip: Clip, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "videos" / clip.path
    moved = path.rename(home / "moved.mp4")
    path.with_suffix(".json").unlink()
    code, said = traced(moved, capsys)
    assert code == 65
    assert f"nothing is left of the clip {clip.name}: its user was erased" in said
    assert "its manifest says: made by AI" in said
    assert "secret" not in said


def test_a_clip_from_before_there_were_marks_is_recognised_by_its_digest(
    home: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "videos" / clip.path
    unmarked = encode_mp4(np.full((8, 64, 64, 3), 100, np.uint8), 8)
    path.write_bytes(unmarked)
    facts = json.loads(path.with_suffix(".json").read_text())
    facts |= {"sha256": hashlib.sha256(unmarked).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps({k: v for k, v in facts.items() if k not in ("run", "code")}))
    publish(home, clip, None)
    code, said = traced(path, capsys)
    assert code == 0
    assert "it has no manifest" in said
    assert "recognised by the digest of the file" in said
    assert "made before clips had manifests" in said


def test_what_is_not_ours_is_refused_in_one_line(home: Path, clip: Clip, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content, code, message in (
        (
            "other.mp4",
            encode_mp4(np.full((4, 128, 128, 3), 90, np.uint8), 8),
            65,
            "was not made here, or was changed too",
        ),
        ("text.mp4", b"no video", 64, "is no video that can be decoded"),
        ("empty.mp4", b"", 64, "is no video that can be decoded"),
    ):
        (home / name).write_bytes(content)
        assert traced(home / name, capsys)[0] == code, name
        assert message in traced(home / name, capsys)[1]
    assert traced(home / "absent.mp4", capsys)[0] == 64


def test_a_changed_manifest_is_not_believed_but_the_mark_is(
    home: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (home / "videos" / clip.path).read_bytes()
    assert without_provenance(content) != content
    (home / "forged.mp4").write_bytes(
        content.replace(clip.generator_version.encode(), b"x" * len(clip.generator_version))
    )
    code, said = traced(home / "forged.mp4", capsys)
    assert code == 0
    assert "its manifest is of no use" in said
    assert "recognised by the mark" in said
