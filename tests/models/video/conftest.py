"""Models that are trained once for all tests of this folder."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from models.video.cartoons.corpus import Clips, described_captions, pictures, render_clips
from models.video.cartoons.descriptions import Description, compositions, labels
from models.video.judge import Judge
from models.video.ngram_text import NgramEncoder
from models.video.text import TextEncoder
from models.video.training import Training
from models.video.vae import VaeConfig, VaeGenerator

SHORT = VaeConfig(
    clips_per_picture=8, composed_clips=200, captions=14_000, layouts=3000, text_steps=500, vae_steps=180, sprite_steps=150,
    layout_steps=1500, hidden_size=256,
)  # fmt: skip

Captions = tuple[list[str], list[Description]]
"""Texts, and what they say."""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread: these networks are too small for more, and threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def captions() -> Captions:
    """What `reader` is trained on."""
    return described_captions(SHORT.captions, SHORT.seed)


@pytest.fixture(scope="session")
def reader(captions: Captions) -> TextEncoder:
    """A text encoder, trained for fewer steps than in a night."""
    torch.manual_seed(0)
    encoder = NgramEncoder(64)
    texts, said = captions
    stated = torch.from_numpy(labels(said))
    encoder.fit(texts, stated, steps=SHORT.text_steps, rng=torch.Generator().manual_seed(0), training=Training())
    return encoder.eval()


@pytest.fixture(scope="session")
def learned() -> VaeGenerator:
    """A briefly trained generator: its scenes can be told apart, but are blurred."""
    generator = VaeGenerator(SHORT)
    return generator.fit(generator.training_data())


@pytest.fixture(scope="session")
def judged_clips() -> Clips:
    """What `judge` is trained on."""
    composed = compositions()
    order = np.random.default_rng(1).permutation(len(composed))[:600]
    descriptions = pictures(8) + [composed[n] for n in order]
    return render_clips(descriptions, 16, 64, seed=1)


@pytest.fixture(scope="session")
def judge(judged_clips: Clips) -> Judge:
    """A judge, trained for fewer steps and on fewer clips than in a night."""
    return Judge(16, steps=250, clips=judged_clips)
