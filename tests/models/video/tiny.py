"""Configs of generators that are trained in seconds, or not at all."""

from typing import Any

from models.video.attention import AttentionConfig
from models.video.flow import FlowConfig
from models.video.gan import GanConfig
from models.video.generator import TrainingConfig
from models.video.rnn import RnnConfig
from models.video.vae import VaeConfig

_SHARED: dict[str, Any] = {
    "clips_per_picture": 1, "composed_clips": 12, "captions": 60, "text_steps": 3, "vae_steps": 3, "sprite_steps": 3,
    "hidden_size": 32, "text_embedding_size": 16,
}  # fmt: skip
TINY: dict[str, TrainingConfig] = {
    "vae": VaeConfig(**_SHARED, layouts=60, layout_steps=3),
    "rnn": RnnConfig(**_SHARED, rnn_steps=3, units=32, mixtures=2),
    "gan": GanConfig(**_SHARED, gan_steps=3, width=32),
    "attention": AttentionConfig(**_SHARED, code_steps=3, attention_steps=3, width=16, layers=1, heads=2),
    "flow": FlowConfig(**_SHARED, flow_steps=3, width=16, layers=1, heads=2, euler_steps=4),
}
"""Name in the registry -> config."""
