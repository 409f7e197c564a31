"""The project's own text-to-video generator: a conditional VAE, trained in minutes on rendered clips."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.scenes import (
    COLOUR_NAMES,
    SCENE_NAMES,
    SCENES,
    Captions,
    Clips,
    render_clips,
    write_captions,
)
from models.video.generator import Frames, TrainedGenerator, VideoSpec, check_prompts, fit_to_spec
from models.video.text import TextEncoder, fit_text_encoder
from models.video.vae_network import FRAME_SIZE, ConditionalVAE, kl_divergence, thumbnails

_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"
_OLD_KEYS = {
    "clips_per_step": "batch_size",
    "latent_size": "embedding_size",
    "width": "hidden_size",
    "text_width": "text_embedding_size",
}
"""Hyperparameters in older config.json files -> their names today."""


@dataclass(frozen=True)
class VaeConfig:
    """Hyperparameters of the VAE. The same config gives the same model.

    Attributes:
        recipe: increase it by hand if scenes, captions or networks change, so that the model is trained again.
        frames, fps: length and frame rate of the clips.
        clips_per_scene, captions_per_scene: size of the training data.
        steps: training steps.
        batch_size: clips for each training step.
        frames_per_clip: frames of each clip for each training step.
        learning_rate: maximum, after a short warm-up; it then decays to 0 along a cosine.
        embedding_size: length of z, the embedding of a clip.
        hidden_size: units of the hidden layers of the decoder.
        text_embedding_size: length of the vectors of the text encoder.
        text_steps: training steps of the text encoder.
        seed: of initial weights, training data and batches.
    """

    recipe: int = 1
    frames: int = 16
    fps: int = 8
    clips_per_scene: int = 32
    captions_per_scene: int = 200
    steps: int = 1400
    batch_size: int = 16
    frames_per_clip: int = 4
    learning_rate: float = 2e-3
    embedding_size: int = 16
    hidden_size: int = 512
    text_embedding_size: int = 48
    text_steps: int = 150
    seed: int = 0


@dataclass(frozen=True)
class TrainingStep:
    """Losses of one training step: mean squared error of pixels (0 to 1), and KL divergence of z in nats for each clip."""

    mse: float
    kl: float


class VaeGenerator(TrainedGenerator):
    """Generates clips of the scenes that it was trained on; the text encoder selects the scene for a prompt."""

    name = "vae"
    nightly: ClassVar[VaeConfig] = VaeConfig()
    config: VaeConfig
    history: list[TrainingStep]

    def __init__(self, config: VaeConfig | None = None) -> None:
        self.config = config or self.nightly
        self.history = []
        self.text_history: list[float] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            self.text = TextEncoder(len(SCENE_NAMES), len(COLOUR_NAMES), self.config.text_embedding_size)
            self.vae = ConditionalVAE(
                len(SCENE_NAMES),
                len(COLOUR_NAMES) + 1,
                self.config.frames,
                self.config.embedding_size,
                self.config.hidden_size,
            )
        self.vae.to(memory_format=torch.channels_last)

    @property
    def version(self) -> str:
        """`vae-` and a digest of weights and config."""
        sha = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        sha.update(safetensors.torch.save(self._weights()))
        return f"vae-{sha.hexdigest()[:12]}"

    @property
    def spec(self) -> VideoSpec:
        """Four times the size of the network's frames, which looks better on a screen."""
        return VideoSpec(4 * FRAME_SIZE, 4 * FRAME_SIZE, self.config.frames, self.config.fps)

    def training_data(self) -> tuple[Clips, Captions]:
        """Return the clips and captions that the config specifies."""
        clips = render_clips(self.config.clips_per_scene, self.config.frames, FRAME_SIZE, self.config.seed)
        return clips, write_captions(self.config.captions_per_scene, self.config.seed)

    def fit(
        self,
        clips: Clips,
        captions: Captions,
        on_step: Callable[[int, TrainingStep], object] = lambda step, losses: None,
    ) -> Self:
        """Train the text encoder on captions, then the VAE on clips.

        The loss is the evidence lower bound with a Gaussian likelihood of pixels. Its variance is the optimal one of each batch
        (sigma-VAE: Rybkin, Daniilidis, Levine, ICML 2021), so there is no weight between the two terms to tune.

        Args:
            clips: (N, T, S, S, 3) frames with scenes and colours.
            captions: texts with scenes and colours.
            on_step: called after each step with its number, from 1, and its losses.
        """
        config, vae = self.config, self.vae
        rng = torch.Generator().manual_seed(config.seed)
        self.text_history = fit_text_encoder(
            self.text, captions.texts, torch.from_numpy(captions.scenes), torch.from_numpy(captions.colours),
            steps=config.text_steps, rng=rng,
        )  # fmt: skip
        frames = torch.from_numpy(clips.frames)
        scenes, colours = torch.from_numpy(clips.scenes), torch.from_numpy(clips.colours)
        encoder_inputs = thumbnails(frames)
        optimizer = torch.optim.Adam(vae.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_factor(step, config.steps))
        self.history = []
        vae.train()
        for step in range(1, config.steps + 1):
            batch = torch.randint(len(frames), (config.batch_size,), generator=rng)
            order = torch.rand(config.batch_size, config.frames, generator=rng).argsort(1)
            frame_numbers = order[:, : config.frames_per_clip]
            target = frames[batch[:, None], frame_numbers].permute(0, 1, 4, 2, 3).float() / 255
            condition = vae.condition(scenes[batch], colours[batch])
            mean, log_variance = vae.encode(encoder_inputs[batch].float() / 255 - 0.5, condition)
            z = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
            mse = F.mse_loss(vae.decoder(z, condition, frame_numbers / config.frames), target)
            kl = kl_divergence(mean, log_variance, *vae.prior_distribution(condition)).mean()
            # -ELBO per pixel: with the optimal variance its derivative by the MSE is 1 / (2 MSE); KL is divided by all pixels.
            loss = mse / (2 * mse.detach().clamp(min=1e-4)) + kl / frames[0].numel()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            self.history.append(TrainingStep(mse.item(), kl.item()))
            on_step(step, self.history[-1])
        self._round_weights()
        return self

    @torch.inference_mode()
    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """See `VideoGenerator.generate`. Clips are computed one by one, so none depends on the other prompts."""
        check_prompts(prompts, seeds)
        self.vae.eval()
        scenes, colours = self.text.classify(prompts)
        clips = [self._clip(scene, colour, seed) for scene, colour, seed in zip(scenes, colours, seeds, strict=True)]
        return np.stack([fit_to_spec(clip, spec) for clip in clips])

    def _clip(self, scene: int, colour: int, seed: int) -> Frames:
        rng = torch.Generator().manual_seed(seed)
        random_colour = int(torch.randint(len(COLOUR_NAMES), (), generator=rng))
        noise = torch.randn(1, self.config.embedding_size, generator=rng)
        if not SCENES[SCENE_NAMES[scene]].coloured:
            colour = len(COLOUR_NAMES)
        elif colour == len(COLOUR_NAMES):
            colour = random_colour
        condition = self.vae.condition(torch.tensor([scene]), torch.tensor([colour]))
        mean, log_variance = self.vae.prior_distribution(condition)
        times = torch.arange(self.config.frames)[None] / self.config.frames
        frames = self.vae.decoder(mean + noise * (log_variance / 2).exp(), condition, times)[0]
        return (frames.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

    def save(self, directory: Path) -> None:
        """Write weights (safetensors) and config (JSON) into an existing directory."""
        safetensors.torch.save_file(self._weights(), directory / _WEIGHTS)
        (directory / _CONFIG).write_text(json.dumps(asdict(self.config), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load a generator that `save` wrote.

        Raises:
            ValueError: files are missing, or belong to another class.
        """
        try:
            saved: dict[str, Any] = dict(json.loads((directory / _CONFIG).read_text(encoding="utf-8")))
            generator = cls(VaeConfig(**{_OLD_KEYS.get(key, key): value for key, value in saved.items()}))
            weights = safetensors.torch.load_file(directory / _WEIGHTS)
            generator.vae.load_state_dict({k[4:]: v.float() for k, v in weights.items() if k.startswith("vae.")})
            generator.text.load_state_dict({k[5:]: v.float() for k, v in weights.items() if k.startswith("text.")})
        except (OSError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise ValueError(f"{directory} contains no saved VAE generator: {error}") from error
        return generator

    def _weights(self) -> dict[str, Tensor]:
        """Return all weights in half precision; training rounds them to it."""
        parts = {"vae": self.vae.state_dict(), "text": self.text.state_dict()}
        return {
            f"{part}.{name}": value.half().contiguous()
            for part, state in parts.items()
            for name, value in state.items()
        }

    def _round_weights(self) -> None:
        with torch.no_grad():
            for parameter in [*self.vae.parameters(), *self.text.parameters()]:
                parameter.copy_(parameter.half().float())


def _rate_factor(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up in 50 steps, then cosine decay."""
    return min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
