"""A briefly trained generator: its scenes can be told apart, but are blurred."""

from collections.abc import Iterator

import pytest
import torch

from models.video.vae import VaeConfig, VaeGenerator

SHORT = VaeConfig(clips_per_scene=8, captions_per_scene=160, steps=150, text_steps=100, hidden_size=256)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread: these networks are too small for more, and threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def learned() -> VaeGenerator:
    generator = VaeGenerator(SHORT)
    return generator.fit(*generator.training_data())
