"""A generator that has learned a little: enough to tell its scenes apart, not to look well."""

import pytest

from models.video.vae import VaeConfig, VaeGenerator

SHORT = VaeConfig(clips_per_scene=8, captions_per_scene=160, steps=150, text_steps=100, width=256)


@pytest.fixture(scope="session")
def learned() -> VaeGenerator:
    generator = VaeGenerator(SHORT)
    return generator.fit(*generator.training_data())
