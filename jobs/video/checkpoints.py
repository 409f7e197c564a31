"""The state of a training that has not ended, so that a rerun continues it."""

import hashlib
import shutil
from pathlib import Path

import torch

import models.video
from infra import durable
from infra.storage import Location, files_below
from jobs.platform.settings import Settings
from models.video.generator import TrainedGenerator

_SOURCES = Path(models.video.__path__[0])


class GeneratorCheckpoints:
    """Keeps the state of the stages of a training, in the files that all machines share.

    Args:
        settings: say where the files are.
        generator: what is trained. The state of a training with another config, other code or another torch is not used.
    """

    def __init__(self, settings: Settings, generator: TrainedGenerator) -> None:
        self._folder = settings.files / "training" / generator.name
        sha = hashlib.sha256(f"{generator.family} {torch.__version__}".encode())
        for file in sorted(_SOURCES.rglob("*.py")):
            sha.update(file.read_bytes())
        self._digest = sha.hexdigest()[:12]

    def read(self, stage: str) -> bytes | None:
        """Return the state of a stage; None if there is none."""
        try:
            return self._file(stage).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, stage: str, state: bytes) -> None:
        """Replace the state of a stage."""
        durable.write(self._file(stage), state)

    def remove(self) -> None:
        """Remove all state of trainings of this generator, also that of other configs and what a kill left behind."""
        if isinstance(self._folder, Path):
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            for file in files_below(self._folder):
                file.unlink()

    def _file(self, stage: str) -> Location:
        return self._folder / f"{self._digest}-{stage}.pt"
