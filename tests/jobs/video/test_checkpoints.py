"""A training continues where a killed one stopped."""

import os
import signal
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.video import checkpoints
from jobs.video.checkpoints import GeneratorCheckpoints
from jobs.video.generators import project_generator
from models.video import training
from models.video.training import Training
from models.video.vae import VaeGenerator
from tests.jobs.video.test_text_to_video import NIGHT
from tests.models.video.tiny import TINY

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

CONFIG = TINY["vae"].longer(5)


def trained() -> str:
    """Train a generator with checkpoints, and return its version."""
    training._SAVE_EVERY = 5
    torch.set_num_threads(1)
    generator = VaeGenerator(CONFIG)
    generator.fit(generator.training_data(), Training(checkpoints=GeneratorCheckpoints(settings(), generator)))
    return generator.version


def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_SAVE_EVERY", 5)
    alone = VaeGenerator(CONFIG)
    alone.fit(alone.training_data())
    process = get_context("spawn").Process(target=trained)
    process.start()
    while not list(home.glob("training/vae/*-pictures.pt")) and process.is_alive():
        time.sleep(0.01)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert trained() == alone.version


def test_state_is_kept_until_it_is_removed(home: Path) -> None:
    kept = GeneratorCheckpoints(settings(), VaeGenerator(CONFIG))
    assert kept.read("text") is None
    kept.write("text", b"old")
    kept.write("text", b"new")
    assert kept.read("text") == b"new"
    kept.remove()
    kept.remove()
    assert not (home / "training" / "vae").exists()


def test_state_can_be_kept_in_an_object_store(
    home: Path, store: "ObjectStore", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTREEL_FILES", "s3a://lake/files")
    kept = GeneratorCheckpoints(settings(), VaeGenerator(CONFIG))
    kept.write("text", b"state")
    assert kept.read("text") == b"state"
    kept.remove()
    assert kept.read("text") is None


def test_the_state_of_another_config_or_other_code_is_not_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GeneratorCheckpoints(settings(), VaeGenerator(CONFIG)).write("text", b"state")
    assert GeneratorCheckpoints(settings(), VaeGenerator(replace(CONFIG, seed=1))).read("text") is None
    (tmp_path / "flow.py").write_text("changed = True\n", encoding="utf-8")
    monkeypatch.setattr(checkpoints, "_SOURCES", tmp_path)
    assert GeneratorCheckpoints(settings(), VaeGenerator(CONFIG)).read("text") is None


def test_a_setting_makes_the_training_longer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = project_generator(JobContext(NIGHT, settings()), "vae")
    monkeypatch.setenv("NIGHTREEL_VIDEO_TRAINING", "4")
    longer = project_generator(JobContext(NIGHT, settings()), "vae")
    assert usual is not None
    assert longer is not None
    assert longer.config.steps == 4 * usual.config.steps
    assert longer.family != usual.family
    monkeypatch.setenv("NIGHTREEL_VIDEO_TRAINING", "0.5")
    with pytest.raises(UsageError, match=r"NIGHTREEL_VIDEO_TRAINING='0\.5' is not a number of times the usual"):
        settings()
