"""Configs of generators that are trained in seconds, or not at all."""

from models.video.flow import FlowConfig
from models.video.generator import TrainingConfig
from models.video.vae import VaeConfig

TINY: dict[str, TrainingConfig] = {
    "flow": FlowConfig(
        clips_per_scene=1, composed_clips=12, captions=40, text_steps=3, decoder_steps=3, flow_steps=3,
        text_embedding_size=16, decoder_hidden_size=16, hidden_size=32, layers=2, sampling_steps=2,
    ),
    "vae": VaeConfig(
        clips_per_scene=1, composed_clips=12, captions=40, text_steps=3, steps=3, hidden_size=32, text_embedding_size=16
    ),
}  # fmt: skip
"""Name in the registry -> config."""
