"""The project's own text-to-video generator: a conditional VAE, trained in minutes on clips that the project renders."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

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


@dataclass(frozen=True)
class VaeConfig:
    """What decides a trained VAE; two of the same config are the same model.

    Attributes:
        recipe: raised by hand when scenes, captions or networks change, so that what was trained before is trained anew.
        frames, fps: length and rate of the clips it learns.
        clips_per_scene, captions_per_scene: how much it learns from.
        steps: training steps, each of `clips_per_step` clips with `frames_per_clip` of their frames.
        learning_rate: at its highest, after a short warm-up; it falls to 0 along a cosine.
        latent_size, width, text_width: sizes of z, of the decoder's hidden layers and of the text embedding.
        text_steps: training steps of the text encoder.
        seed: of everything random.
    """

    recipe: int = 1
    frames: int = 16
    fps: int = 8
    clips_per_scene: int = 32
    captions_per_scene: int = 200
    steps: int = 1400
    clips_per_step: int = 16
    frames_per_clip: int = 4
    learning_rate: float = 2e-3
    latent_size: int = 16
    width: int = 512
    text_width: int = 48
    text_steps: int = 150
    seed: int = 0


@dataclass(frozen=True)
class TrainingStep:
    """Figures of one training step: mean squared error of pixels (0 to 1), and KL divergence of z in nats a clip."""

    mse: float
    kl: float


class VaeGenerator(TrainedGenerator):
    """Clips of the scenes that it was trained on; a prompt is taken for the scene whose captions it is most like."""

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
            self.text = TextEncoder(len(SCENE_NAMES), len(COLOUR_NAMES), self.config.text_width)
            self.vae = ConditionalVAE(
                len(SCENE_NAMES), len(COLOUR_NAMES) + 1, self.config.frames, self.config.latent_size, self.config.width
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
        """Four times its own size, which suits a screen better."""
        return VideoSpec(4 * FRAME_SIZE, 4 * FRAME_SIZE, self.config.frames, self.config.fps)

    def training_data(self) -> tuple[Clips, Captions]:
        """The clips and captions that the config asks for."""
        clips = render_clips(self.config.clips_per_scene, self.config.frames, FRAME_SIZE, self.config.seed)
        return clips, write_captions(self.config.captions_per_scene, self.config.seed)

    def fit(
        self,
        clips: Clips,
        captions: Captions,
        on_step: Callable[[int, TrainingStep], object] = lambda step, figures: None,
    ) -> Self:
        """Learns to read captions, then to draw clips.

        The evidence lower bound is maximised with a Gaussian likelihood of pixels whose variance is the best one for the
        batch (sigma-VAE: Rybkin, Daniilidis, Levine, ICML 2021), so no weight between its two terms is left to tune.

        Args:
            clips: (N, T, S, S, 3) frames with scenes and colours.
            captions: texts with scenes and colours.
            on_step: told of each step, counted from 1.
        """
        config, vae = self.config, self.vae
        rng = torch.Generator().manual_seed(config.seed)
        self.text_history = fit_text_encoder(
            self.text, captions.texts, torch.from_numpy(captions.scenes), torch.from_numpy(captions.colours),
            steps=config.text_steps, rng=rng,
        )  # fmt: skip
        frames = torch.from_numpy(clips.frames)
        scenes, colours = torch.from_numpy(clips.scenes), torch.from_numpy(clips.colours)
        seen = thumbnails(frames)
        optimizer = torch.optim.Adam(vae.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, config.steps))
        self.history = []
        vae.train()
        for step in range(1, config.steps + 1):
            batch = torch.randint(len(frames), (config.clips_per_step,), generator=rng)
            order = torch.rand(config.clips_per_step, config.frames, generator=rng).argsort(1)
            picked = order[:, : config.frames_per_clip]
            target = frames[batch[:, None], picked].permute(0, 1, 4, 2, 3).float() / 255
            condition = vae.condition(scenes[batch], colours[batch])
            mean, log_variance = vae.encode(seen[batch].float() / 255 - 0.5, condition)
            z = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
            mse = F.mse_loss(vae.decoder(z, condition, picked / config.frames), target)
            kl = kl_divergence(mean, log_variance, *vae.prior_of(condition)).mean()
            # -ELBO a pixel: at the best variance its gradient by the error is 1 / (2 mse); KL counts once for all pixels.
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
        """See `VideoGenerator.generate`. Clips are computed one by one: none depends on which others are asked for."""
        check_prompts(prompts, seeds)
        self.vae.eval()
        scenes, colours = self.text.read(prompts)
        clips = [self._clip(*each) for each in zip(scenes, colours, seeds, strict=True)]
        return np.stack([fit_to_spec(clip, spec) for clip in clips])

    def _clip(self, scene: int, colour: int, seed: int) -> Frames:
        rng = torch.Generator().manual_seed(seed)
        any_colour = int(torch.randint(len(COLOUR_NAMES), (), generator=rng))
        noise = torch.randn(1, self.config.latent_size, generator=rng)
        if not SCENES[SCENE_NAMES[scene]].coloured:
            colour = len(COLOUR_NAMES)
        elif colour == len(COLOUR_NAMES):
            colour = any_colour
        condition = self.vae.condition(torch.tensor([scene]), torch.tensor([colour]))
        mean, log_variance = self.vae.prior_of(condition)
        times = torch.arange(self.config.frames)[None] / self.config.frames
        drawn = self.vae.decoder(mean + noise * (log_variance / 2).exp(), condition, times)[0]
        return (drawn.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

    def save(self, directory: Path) -> None:
        """Writes weights (safetensors) and config (JSON) into a directory that exists."""
        safetensors.torch.save_file(self._weights(), directory / _WEIGHTS)
        (directory / _CONFIG).write_text(json.dumps(asdict(self.config), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            ValueError: the files are missing, or are not of this class.
        """
        try:
            config = VaeConfig(**json.loads((directory / _CONFIG).read_text(encoding="utf-8")))
            generator = cls(config)
            weights = safetensors.torch.load_file(directory / _WEIGHTS)
            generator.vae.load_state_dict({k[4:]: v.float() for k, v in weights.items() if k.startswith("vae.")})
            generator.text.load_state_dict({k[5:]: v.float() for k, v in weights.items() if k.startswith("text.")})
        except (OSError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise ValueError(f"{directory} holds no saved VAE generator: {error}") from error
        return generator

    def _weights(self) -> dict[str, Tensor]:
        """All weights in half precision, which is what they are rounded to after training."""
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


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate: up in 50 steps, then down along a cosine."""
    return min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
