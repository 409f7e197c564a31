"""A worker that makes videos loses one clip at most whenever it dies, and a prompt that always fails holds up no other."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.video.clip import Clip
from jobs.video.generate import is_made
from jobs.video.mp4 import verify_mp4
from tests.faults.conftest import RecordFault
from tests.jobs.video.clips import FORBIDDEN, SPEC, FailingGenerator, clips_for

# Notes each clip that it begins to draw; memory runs out at the clip of that number.
WORKER = """
import sys
from pathlib import Path
import torch
from jobs.video.generate import generate
from tests.faults.test_video_worker import wanted
from tests.jobs.video.clips import FORBIDDEN, SIGNER, FailingGenerator

class Noting(FailingGenerator):
    def generate(self, prompts, seeds, spec):
        with open(sys.argv[2], "a+") as begun:
            print(*prompts, file=begun)
            begun.seek(0)
            if len(begun.readlines()) == int(sys.argv[4]):
                raise MemoryError
        return super().generate(prompts, seeds, spec)

torch.set_num_threads(1)
generate(Path(sys.argv[1]), wanted(int(sys.argv[3])), Noting(ValueError("no")), SIGNER)
"""


def wanted(count: int) -> list[Clip]:
    """Clips that can be made, and in their middle one that cannot."""
    generator = FailingGenerator(ValueError("no"))
    good = clips_for(generator, count)
    return [*good[: count // 2], Clip(FORBIDDEN, 1, SPEC, generator.name, generator.version), *good[count // 2 :]]


@pytest.mark.parametrize("deaths", [4, pytest.param(60, marks=pytest.mark.long)])
def test_a_death_costs_one_clip_at_most(tmp_path: Path, deaths: int, record_fault: RecordFault) -> None:
    chance = random.Random(60)
    count = 6 * deaths
    videos, begun = tmp_path / "videos", tmp_path / "begun"
    begun.touch()
    died = 0
    while True:
        drawn = len(begun.read_text().splitlines())
        manner = ("killed", "killed", "hung", "out of memory")[died % 4] if died < deaths else "undisturbed"
        memory = drawn + chance.randint(1, 4) if manner == "out of memory" else 0
        command = [sys.executable, "-c", WORKER, str(videos), str(begun), str(count), str(memory)]
        worker = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        if manner in {"killed", "hung"}:
            until = drawn + chance.randint(1, 4)
            while len(begun.read_text().splitlines()) < until and worker.poll() is None:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.2))
            if manner == "hung":  # as a driver that answers no more; what ends it is its timeout
                worker.send_signal(signal.SIGSTOP)
            worker.kill()
        said = worker.communicate()[1]
        for video in videos.rglob("[!.]*.mp4"):
            verify_mp4(video)
        if worker.returncode == 0:
            break
        assert worker.returncode == -signal.SIGKILL or (manner == "out of memory" and "MemoryError" in said), said
        died += 1
    lines = begun.read_text().splitlines()
    good = [clip for clip in wanted(count) if clip.prompt != FORBIDDEN]
    assert died == deaths
    assert all(is_made(clip, videos) for clip in good)
    assert sorted(path.relative_to(videos) for path in videos.rglob("[!.]*.mp4")) == sorted(clip.path for clip in good)
    assert list(videos.rglob(".*")) == []
    lost = len([line for line in lines if line != FORBIDDEN]) - count
    assert lost <= died
    (failure,) = (clip.failure for clip in wanted(count) if clip.prompt == FORBIDDEN)
    assert json.loads((videos / failure).read_text())["error"] == repr(ValueError("no"))
    record_fault(
        "video worker killed, hung, out of memory", f"{died} deaths, {lost} clips drawn twice, {count} made once"
    )
