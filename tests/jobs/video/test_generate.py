"""Shards: clips are generated once, resumed after a kill, written atomically, and independent of bad prompts."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.storage import location
from jobs.video.boxes import without_provenance
from jobs.video.clip import Clip
from jobs.video.generate import ClipHung, generate, is_made
from jobs.video.mp4 import verify_mp4
from jobs.video.plan import read_shard, shards, write_plan
from models.video.vae import VaeGenerator
from tests.jobs.video.clips import FORBIDDEN, SIGNER, SPEC, FailingGenerator, HangingGenerator, clips_for
from tests.models.video.tiny import TINY
from tests.object_store import ObjectStore

MAY_1 = dt.date(2022, 5, 1)
_REPOSITORY = Path(__file__).parents[3]
_WORKER = """
import sys, torch
from pathlib import Path
from jobs.video.generate import generate
from models.video.vae import VaeGenerator
from tests.jobs.video.clips import SIGNER, clips_for
from tests.models.video.tiny import TINY
torch.set_num_threads(1)
generator = VaeGenerator(TINY["vae"])
print("ready", flush=True)
generate(Path(sys.argv[1]), clips_for(generator, int(sys.argv[2])), generator, SIGNER)
"""


def _files(videos: Path) -> dict[str, int]:
    """Return every visible file with its modification time, ns."""
    files = [p for p in videos.rglob("*") if p.is_file() and not p.name.startswith(".")]
    return {str(path.relative_to(videos)): path.stat().st_mtime_ns for path in files}


def test_a_killed_worker_resumes_and_no_visible_file_is_incomplete(tmp_path: Path) -> None:
    count = 24
    clips = clips_for(VaeGenerator(TINY["vae"]), count)
    command = [sys.executable, "-c", _WORKER, str(tmp_path), str(count)]
    with subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        seen: set[Path] = set()
        while len(seen) < 3:
            assert worker.poll() is None, "the worker ended before it could be killed"
            for path in set(tmp_path.rglob("[!.]*.mp4")) - seen:
                verify_mp4(path)
                seen.add(path)
            time.sleep(0.002)
        os.kill(worker.pid, signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL
    made = {clip for clip in clips if is_made(clip, tmp_path)}
    assert 2 <= len(made) < count
    before = _files(tmp_path)

    generate(tmp_path, clips, VaeGenerator(TINY["vae"]), SIGNER)
    after = _files(tmp_path)
    assert all(is_made(clip, tmp_path) for clip in clips)
    kept = {str(path) for clip in made for path in (clip.path, clip.sidecar)}
    assert all(after[name] == before[name] for name in kept)
    assert set(after) == {str(path) for clip in clips for path in (clip.path, clip.sidecar)}


def test_running_again_generates_nothing_again(tmp_path: Path) -> None:
    generator = VaeGenerator(TINY["vae"])
    clips = clips_for(generator, 6)
    generate(tmp_path, [*clips, *clips], generator, SIGNER)
    before = _files(tmp_path)
    assert len(before) == 2 * len(clips)
    generate(tmp_path, clips, generator, SIGNER)
    assert _files(tmp_path) == before


def test_a_damaged_or_missing_file_is_generated_again_with_the_same_video(tmp_path: Path) -> None:
    generator = VaeGenerator(TINY["vae"])
    clips = clips_for(generator, 4)
    generate(tmp_path, clips, generator, SIGNER)
    videos = [(tmp_path / clip.path).read_bytes() for clip in clips]
    digests = [clip.facts(tmp_path)["sha256"] for clip in clips]
    flipped = bytearray(videos[0])
    flipped[len(flipped) // 2] ^= 1
    (tmp_path / clips[0].path).write_bytes(flipped)
    (tmp_path / clips[1].path).write_bytes(videos[1][:-10])
    (tmp_path / clips[2].path).unlink()
    (tmp_path / clips[3].sidecar).write_text("{", encoding="utf-8")
    generate(tmp_path, clips, generator, SIGNER)
    assert [clip.facts(tmp_path)["sha256"] for clip in clips] == digests


def test_clips_in_an_object_store_have_the_videos_of_those_on_a_disk(store: ObjectStore, tmp_path: Path) -> None:
    generator = VaeGenerator(TINY["vae"])
    videos = location("s3a://files/videos")
    requests = [{"request_id": f"{number}", "prompt": f"rain {number}", "seed": number} for number in range(6)]
    write_plan(videos, MAY_1, requests, generator)
    plan = write_plan(videos, MAY_1, requests[:2], generator)
    assert shards(videos, MAY_1) == plan
    clips = [request.clip for shard in plan for request in read_shard(shard)]
    generate(videos, clips, generator, SIGNER)
    generate(tmp_path, clips, generator, SIGNER)
    for clip in clips:
        stored, local = ((folder / clip.path).read_bytes() for folder in (videos, tmp_path))
        assert without_provenance(stored) == without_provenance(local)
        assert clip.facts(videos)["sha256"] == clip.facts(tmp_path)["sha256"]
    (videos / clips[0].path).write_bytes(b"damaged")
    (videos / clips[1].sidecar).unlink()
    generate(videos, clips, generator, SIGNER)
    assert all(is_made(clip, videos) for clip in clips)
    assert len(store.objects) == 1 + 2 * len(clips)


@pytest.mark.parametrize("error", [ValueError("no"), RuntimeError("kernel"), KeyError("token")])
def test_a_bad_prompt_is_recorded_and_the_others_are_generated(error: Exception, tmp_path: Path) -> None:
    generator = FailingGenerator(error)
    clips = clips_for(generator, 5)
    bad = Clip(FORBIDDEN, 1, SPEC, generator.name, generator.version)
    generate(tmp_path, [*clips[:2], bad, *clips[2:]], generator, SIGNER)
    assert all(is_made(clip, tmp_path) for clip in clips)
    assert not is_made(bad, tmp_path)
    failure = json.loads((tmp_path / bad.failure).read_text(encoding="utf-8"))
    assert failure == {"prompt": FORBIDDEN, "error": repr(error)}


def test_out_of_memory_is_not_recorded_as_an_error_of_the_prompt(tmp_path: Path) -> None:
    generator = FailingGenerator(MemoryError())
    bad = Clip(FORBIDDEN, 1, SPEC, generator.name, generator.version)
    with pytest.raises(MemoryError):
        generate(tmp_path, [bad], generator, SIGNER)
    assert not _files(tmp_path)


def test_a_clip_that_hangs_ends_alone(tmp_path: Path) -> None:
    generator = HangingGenerator()
    clips = clips_for(generator, 3)
    hanging = Clip(FORBIDDEN, 1, SPEC, generator.name, generator.version)
    asked = [clips[0], hanging, *clips[1:]]
    with pytest.raises(ClipHung, match="the next try goes on without it"):
        generate(tmp_path, asked, generator, SIGNER, limit_s=1)
    with pytest.raises(ClipHung):  # the second try finds out which clip of the batch it is
        generate(tmp_path, asked, generator, SIGNER, limit_s=1, is_retry=True)
    generate(tmp_path, asked, generator, SIGNER, limit_s=1, is_retry=True)
    assert all(is_made(clip, tmp_path) for clip in clips)
    recorded = json.loads((tmp_path / hanging.failure).read_text(encoding="utf-8"))
    assert recorded["error"].startswith("not drawn after")
    with pytest.raises(ClipHung):  # another night tries again
        generate(tmp_path, [hanging], generator, SIGNER, limit_s=0.3)


def test_a_clip_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    generator = VaeGenerator(TINY["vae"])
    generator.batch_size = 3
    clips = clips_for(generator, 5)
    generate(tmp_path / "together", clips, generator, SIGNER)
    for clip in clips:
        generate(tmp_path / "alone", [clip], generator, SIGNER)
        assert clip.facts(tmp_path / "alone")["sha256"] == clip.facts(tmp_path / "together")["sha256"]


def test_a_prompt_that_failed_once_can_succeed_later(tmp_path: Path) -> None:
    generator = VaeGenerator(TINY["vae"])
    (clip,) = clips_for(generator, 1)
    (tmp_path / clip.failure).parent.mkdir(parents=True)
    (tmp_path / clip.failure).write_text("{}", encoding="utf-8")
    generate(tmp_path, [clip], generator, SIGNER)
    assert is_made(clip, tmp_path)
    assert not (tmp_path / clip.failure).exists()


def test_the_name_depends_on_all_inputs() -> None:
    clip = clips_for(VaeGenerator(TINY["vae"]), 1)[0]
    changed = [
        Clip("snow", clip.seed, clip.spec, clip.generator, clip.generator_version),
        Clip(clip.prompt, 5, clip.spec, clip.generator, clip.generator_version),
        Clip(clip.prompt, clip.seed, type(SPEC)(64, 64, 16, 9), clip.generator, clip.generator_version),
        Clip(clip.prompt, clip.seed, clip.spec, clip.generator, "vae-other"),
        Clip(clip.prompt, clip.seed, clip.spec, clip.generator, clip.generator_version, label=True),
    ]
    assert len({clip.name, *(other.name for other in changed)}) == 6
    assert clip.name == clips_for(VaeGenerator(TINY["vae"]), 1)[0].name
