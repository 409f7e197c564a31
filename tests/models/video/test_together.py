"""Processes that torchrun starts train the transformer of `flow` together."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from models.video.flow import FlowGenerator
from tests.models.video.tiny import TINY

ROOT = Path(__file__).parents[3]
DECODER_STEPS = TINY["flow"].steps - 3


def together(folder: Path, mode: str, killed_after: int) -> list[dict[str, Any]]:
    """The results of two processes. The second kills itself after a step of the first attempt; after none if it is 0."""
    folder.mkdir()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1"]
    arguments = ["-m", "tests.models.video.together", str(folder), mode, str(killed_after)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ("exitcode: -9" in done.stderr) == (killed_after > 0)
    return [json.loads((folder / f"{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1)]


def test_two_processes_are_like_one_and_survive_a_kill(tmp_path: Path) -> None:
    alone = FlowGenerator(TINY["flow"])
    alone.fit(alone.training_data())
    whole = together(tmp_path / "ddp", "ddp", 0)
    shares = together(tmp_path / "fsdp", "fsdp", DECODER_STEPS + 2)
    assert whole[0] == whole[1]
    assert shares[0] == shares[1] == whole[0]
    for step, expected in zip(whole[0]["losses"], alone.history, strict=True):
        assert step == pytest.approx(asdict(expected), rel=1e-5)
