"""The networks from texts to latents learn, on the text encoder and the decoder of a briefly trained generator."""

from collections import defaultdict
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch

from models.video.attention import AttentionConfig, CodedVectors
from models.video.clip_decoder import ClipDecoder
from models.video.examples import training_examples
from models.video.flow import FlowConfig
from models.video.gan import GanConfig
from models.video.latents import Scale, frame_times, layouts_of, moving
from models.video.network_generator import NetworkGenerator
from models.video.registry import GENERATORS
from models.video.rnn import RnnConfig
from models.video.training import Training
from models.video.vae import VaeGenerator
from tests.models.video.conftest import SHORT

_SHARED: dict[str, Any] = {"hidden_size": SHORT.hidden_size, "captions": 600}
CONFIGS = {
    "rnn": RnnConfig(**_SHARED, rnn_steps=60, rnn_batch_size=32, units=96, mixtures=4),
    "gan": GanConfig(**_SHARED, gan_steps=60, gan_batch_size=32, width=96),
    "attention": AttentionConfig(
        **_SHARED, code_steps=80, code_batch_size=64, attention_steps=60, attention_batch_size=32, width=64, layers=2
    ),
    "flow": FlowConfig(**_SHARED, flow_steps=80, flow_batch_size=32, width=64, layers=2),
}
FALLING = {
    "rnn": ["latent_nats"],
    "gan": ["discriminators"],
    "attention": ["code_mse", "code_nats"],
    "flow": ["flow_mse"],
}


@pytest.mark.parametrize("name", CONFIGS)
def test_training_lowers_the_losses(name: str, learned: VaeGenerator) -> None:
    generator = GENERATORS[name](CONFIGS[name])
    assert isinstance(generator, NetworkGenerator)
    generator.text.load_state_dict(learned.text.state_dict())
    generator.decoder.load_state_dict(learned.decoder.state_dict())
    training = Training()
    generator._fit_latents(training)
    losses: dict[str, list[float]] = defaultdict(list)
    for step in training.history:
        for loss, value in asdict(step).items():
            losses[loss].append(value)
    for loss in FALLING[name]:
        assert np.mean(losses[loss][-10:]) < 0.9 * np.mean(losses[loss][:10]), loss


def test_the_decoder_draws_what_the_latents_of_examples_say(learned: VaeGenerator) -> None:
    decoder = ClipDecoder(replace(learned.config, captions=60)).eval()
    decoder.load_state_dict(learned.decoder.state_dict())
    examples = training_examples(learned.text, decoder, torch.Generator().manual_seed(0))
    assert len(examples.words) == len(examples.latents.pictures) == 60
    has_objects = examples.latents.counts > 0
    assert (examples.latents.looks.isnan().any(1) != has_objects).all()
    shown = examples.latents[has_objects]
    with torch.no_grad():
        frames = decoder(shown)
        behind = decoder(replace(shown, centres=torch.full_like(shown.centres, torch.nan)))
    assert ((frames - behind).abs().amax((1, 2, 3, 4)) > 0.2).all()


def test_layouts_are_found_again_from_centres() -> None:
    layouts = torch.rand(5, 3, 4)
    torch.testing.assert_close(layouts_of(moving(layouts, frame_times(16))), layouts)


def test_scaling_is_undone() -> None:
    values = torch.randn(50, 4) * torch.tensor([1.0, 10.0, 0.1, 0.0]) + 3
    values[::3, 1] = torch.nan
    scale = Scale(4)
    scale.fit(values)
    scaled = scale.down(values)
    torch.testing.assert_close(scaled.nanmean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(scale.up(scaled), values, equal_nan=True)


def test_codes_are_those_of_the_vectors_that_they_give() -> None:
    torch.manual_seed(0)
    coded = CodedVectors(6, 3).eval()
    vectors = torch.randn(40, 6)
    codes = coded.encode(vectors)
    assert codes.shape == (40, 3)
    assert ((codes >= 0) & (codes < 64)).all()
    assert coded.decode(torch.tensor([[64, 64, 64]])).isnan().all()
    assert not coded.decode(codes).isnan().any()
