"""Models that are trained once for all tests of this folder."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from models.video.cartoons.corpus import partial, render_clips, training_descriptions, write_captions
from models.video.cartoons.descriptions import compositions, labels
from models.video.judge import Judge
from models.video.text import TextEncoder, fit_text_encoder


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread: these networks are too small for more, and threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def captions() -> list[str]:
    return _captions()[0]


@pytest.fixture(scope="session")
def reader() -> TextEncoder:
    """A text encoder, trained for fewer steps than in a night."""
    torch.manual_seed(0)
    encoder = TextEncoder(64)
    texts, stated = _captions()
    fit_text_encoder(encoder, texts, torch.from_numpy(stated), steps=220, rng=torch.Generator().manual_seed(0))
    return encoder.eval()


@pytest.fixture(scope="session")
def judge() -> Judge:
    """A judge, trained for fewer steps and on fewer clips than in a night."""
    composed = compositions()
    order = np.random.default_rng(1).permutation(len(composed))[:600]
    descriptions = training_descriptions(8, 0, seed=1) + [composed[n] for n in order]
    return Judge(16, steps=250, clips=render_clips(descriptions, 16, 64, seed=1))


def _captions() -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(0)
    stated = [partial(d, rng) for d in training_descriptions(120, 5000, seed=0)]
    return write_captions(stated, seed=0), labels(stated)
