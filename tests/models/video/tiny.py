"""Configs of generators that are trained in seconds, or not at all."""

from models.video.generator import TrainingConfig
from models.video.vae import VaeConfig

TINY: dict[str, TrainingConfig] = {
    "vae": VaeConfig(
        clips_per_picture=1, composed_clips=12, captions=60, text_steps=3, vae_steps=3, sprite_steps=3, layout_steps=3,
        hidden_size=32, text_embedding_size=16,
    ),
}  # fmt: skip
"""Name in the registry -> config."""
