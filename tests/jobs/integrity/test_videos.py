"""`make verify` finds any changed byte of a video, and what is missing."""

import datetime as dt
import json
from pathlib import Path

import pytest

from jobs.integrity import verify
from jobs.integrity.videos import TABLE, verify_videos
from jobs.platform.settings import settings
from jobs.video import certificate, mp4
from jobs.video.boxes import with_digest, without_provenance
from jobs.video.clip import Clip
from jobs.video.generate import generate
from models.video.vae import VaeGenerator
from tests.jobs.lake import insert_rows
from tests.jobs.video.clips import SPEC, clips_for
from tests.models.video.tiny import TINY

DAY, OTHER_DAY = dt.date(2022, 5, 1), dt.date(2022, 5, 2)


@pytest.fixture
def clips(home: Path) -> list[Clip]:
    """Three clips: of one night, of another, and of `make video`."""
    generator = VaeGenerator(TINY["vae"])
    made = clips_for(generator, 3)
    generate(settings().videos, made, generator, certificate.credentials(settings()))
    columns = ("generator", "generator_version", "prompt", "seed")
    rows = [
        {"date": day, "request_id": "r", "video_name": clip.name, "path": str(clip.path), "outcome": "made"}
        | {"sha256": clip.facts(settings().videos)["sha256"], **{name: getattr(clip, name) for name in columns}}
        for day, clip in zip((DAY, OTHER_DAY), made, strict=False)
    ]
    failed = {"date": DAY, "request_id": "f", "path": "clips/no/ne.mp4", "outcome": "failed", "prompt": "x"}
    insert_rows(home, TABLE, [*rows, failed])
    return made


def damages(day: dt.date | None = None) -> list[str]:
    return [str(damage) for damage in verify_videos(settings(), day).damaged]


def test_videos_as_they_were_made_need_no_line(clips: list[Clip]) -> None:
    assert (damages(), verify_videos(settings()).notes) == ([], [])


def test_a_home_without_videos_needs_none_and_gets_no_key(home: Path) -> None:
    assert damages() == []
    assert not settings().secrets.exists()


@pytest.mark.parametrize("part", ["ftyp", "manifest", "moov", "mdat", "digest"])
def test_one_flipped_byte_is_found(
    clips: list[Clip], part: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "videos" / clips[0].path
    content = bytearray(path.read_bytes())
    manifest = content.find(b"org.nightreel.clip")
    position = {"ftyp": 9, "manifest": manifest, "digest": len(content) - 1}.get(part) or content.find(
        part.encode()
    ) + 60
    content[position] ^= 1
    path.write_bytes(content)
    (line,) = damages()
    assert line.startswith(f"{TABLE} {DAY}: {clips[0].path}: ")
    assert damages(DAY) == [line]
    assert damages(OTHER_DAY) == []
    with pytest.raises(SystemExit):
        verify.main(["--table", TABLE, "--day", str(DAY)])
    assert line in capsys.readouterr().out


def test_lost_and_foreign_files_are_found(clips: list[Clip], home: Path) -> None:
    first, second, own = ((home / "videos" / clip.path) for clip in clips)
    first.write_bytes(second.read_bytes())
    own.with_suffix(".json").unlink()
    second.unlink()
    lines = damages()
    assert len(lines) == 3
    assert any(str(clips[0].path) in line and "differs from what was published" in line for line in lines)
    assert any(str(clips[1].path) in line and "the video is missing" in line for line in lines)
    assert any(line.startswith("videos: ") and "its metadata is missing" in line for line in lines)


def test_a_manifest_that_was_taken_out_is_missed(clips: list[Clip], home: Path) -> None:
    path = home / "videos" / clips[2].path
    encoded = without_provenance(path.read_bytes())
    path.write_bytes(with_digest(encoded))
    (line,) = damages()
    assert "videos: " in line
    path.write_bytes(encoded)
    assert damages() == [f"videos: {clips[2].path}: the video: its bytes differ from the digest at its end"]


def test_clips_from_before_there_were_manifests_are_counted(clips: list[Clip], home: Path) -> None:
    path = home / "videos" / clips[0].path
    path.write_bytes(without_provenance(path.read_bytes()))
    sidecar = path.with_suffix(".json")
    facts = json.loads(sidecar.read_text())
    del facts["run"], facts["code"]
    sidecar.write_text(json.dumps(facts))
    assert mp4.verify_mp4(path).frames == SPEC.frames
    verified = verify_videos(settings())
    assert (verified.damaged, verified.notes) == ([], ["1 clips were made before clips had manifests"])


def test_clips_that_another_certificate_signed_are_counted(clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", "ab" * 32)
    verified = verify_videos(settings())
    signer = "Nightreel clips, Nightreel"
    assert verified.damaged == []
    assert verified.notes == [f"3 clips are signed by {signer}, which is no certificate of this lake"]
