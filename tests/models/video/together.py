"""Trains a tiny `flow` in the processes that torchrun starts: python -m tests.models.video.together FOLDER MODE [STEP].

MODE is ddp or fsdp. Process 1 kills itself after a step of the first attempt, if one is named. Writes the losses of each step
(JSON) and the version into the folder, and keeps its checkpoints there.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from models.processes import rank
from models.video import training
from models.video.flow import FlowGenerator
from tests.models.video.tiny import TINY


class Folder:
    """Checkpoints in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, stage: str) -> bytes | None:
        file = self._folder / stage
        return file.read_bytes() if file.exists() else None

    def write(self, stage: str, state: bytes) -> None:
        (self._folder / stage).write_bytes(state)


def main(folder: Path, mode: str, killed_after: int = 0) -> None:
    def on_step(step: int, losses: Any) -> None:
        if step == killed_after and rank() == 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)

    training._SAVE_EVERY = 1
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    generator = FlowGenerator(TINY["flow"])
    generator.fit(generator.training_data(), training.Training(on_step, Folder(folder), mode == "fsdp"))
    result = {"version": generator.version, "losses": [asdict(step) for step in generator.history]}
    (folder / f"{rank()}.json").write_text(json.dumps(result), encoding="utf-8")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
