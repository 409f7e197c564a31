"""A generator that has learned a little: enough to tell its scenes apart, not to look well."""

from collections.abc import Iterator

import pytest
import torch

from models.video.vae import VaeConfig, VaeGenerator

SHORT = VaeConfig(clips_per_scene=8, captions_per_scene=160, steps=150, text_steps=100, width=256)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small gain nothing from more threads, which wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def learned() -> VaeGenerator:
    generator = VaeGenerator(SHORT)
    return generator.fit(*generator.training_data())
