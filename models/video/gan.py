"""Generator `gan`: a network turns noise into a clip of a prompt, against two networks that tell its clips from true ones.

What a clip shows and how it moves are drawn apart, and judged apart: one discriminator sees the picture, the look and the first
frame, the other one the motion through all frames (MoCoGAN: Tulyakov et al., CVPR 2018). Both compare with the prompt by a
projection (Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018), have a hinge loss, and also learn to refuse true
clips of other prompts (Reed et al., "Generative Adversarial Text to Image Synthesis", ICML 2016).
"""

import copy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from models.video.cartoons.descriptions import MOST_OBJECTS
from models.video.clip_decoder import DecoderConfig
from models.video.examples import training_examples
from models.video.latents import Latents, Scale
from models.video.network_generator import NetworkGenerator
from models.video.optimization import Optimization
from models.video.training import Training, random_numbers

_CANDIDATES = 8
_POSITIONS = 2 * MOST_OBJECTS
_BETAS = (0.0, 0.99)
_AVERAGE = 0.995  # share of the average of the generator's weights that a step keeps


@dataclass(frozen=True)
class GanConfig(DecoderConfig):
    """Hyperparameters.

    Attributes:
        gan_steps, gan_batch_size: training of generator and discriminators.
        gan_learning_rate: maximum of the generator; that of the discriminators is twice as high.
        noise_size: length of the noise of what a clip shows, and of the noise of each frame.
        width: units of the hidden layers.
    """

    gan_steps: int = 4000
    gan_batch_size: int = 128
    gan_learning_rate: float = 5e-4
    noise_size: int = 16
    width: int = 384


@dataclass(frozen=True)
class GanStep:
    """Hinge losses of one training step: of the generator, and of both discriminators together."""

    generator: float
    discriminators: float


class GanGenerator(NetworkGenerator):
    """Draws latents by a generative adversarial network."""

    name = "gan"
    nightly: ClassVar[GanConfig] = GanConfig()
    config: GanConfig

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.sizes = (sum(self.decoder.latent_sizes), _POSITIONS)
        self.content_scale, self.motion_scale = Scale(self.sizes[0] + _POSITIONS), Scale(_POSITIONS)
        self.forger = Forger(self.sizes[0], config.text_embedding_size, config.noise_size, config.width)
        return {"content_scale": self.content_scale, "motion_scale": self.motion_scale, "forger": self.forger}

    def _fit_latents(self, training: Training) -> None:
        config = self.config
        rng = random_numbers("gan", config.seed)
        examples = training_examples(self.text, self.decoder, rng)
        content, motion, _ = _values(examples.latents)
        self.content_scale.fit(content)
        self.motion_scale.fit(motion.flatten(0, 1))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            discriminators = nn.ModuleList([
                ContentDiscriminator(content.shape[1] + MOST_OBJECTS, config.text_embedding_size, config.width),
                MotionDiscriminator(_POSITIONS + MOST_OBJECTS, config.text_embedding_size, config.width),
            ])  # fmt: skip
        forging = copy.deepcopy(self.forger)
        forges = Optimization(forging, config.gan_learning_rate, config.gan_steps, _BETAS)
        judges = Optimization(discriminators, 2 * config.gan_learning_rate, config.gan_steps, _BETAS)
        for _ in training.steps("gan", config.gan_steps, GanStep, rng, forges, judges, self.forger):
            batch = examples.batch(config.gan_batch_size, rng)
            prompts = batch.words[:, 0]
            real, forged = self._scaled(batch.latents), forging(prompts, config.frames, rng)
            held = [part.detach() for part in forged]
            loss = torch.stack([
                F.relu(1 - judge(real[n], real[2], prompts)).mean()
                + 0.5 * F.relu(1 + judge(held[n], held[2], prompts)).mean()
                + 0.5 * F.relu(1 + judge(real[n], real[2], prompts.roll(1, 0))).mean()
                for n, judge in enumerate(discriminators)
            ]).sum()  # fmt: skip
            judges.step(loss)
            forged = forging(prompts, config.frames, rng)
            forgery = -torch.stack(
                [judge(forged[n], forged[2], prompts).mean() for n, judge in enumerate(discriminators)]
            ).sum()
            forges.step(forgery)
            with torch.no_grad():
                for average, value in zip(self.forger.parameters(), forging.parameters(), strict=True):
                    average.lerp_(value, 1 - _AVERAGE)
            training.record(GanStep(forgery.item(), loss.item()))

    def _scaled(self, latents: Latents) -> tuple[Tensor, Tensor, Tensor]:
        content, motion, is_there = _values(latents)
        return self.content_scale.down(content).nan_to_num(), self.motion_scale.down(motion).nan_to_num(), is_there

    def _candidates(self, prompt: str, rng: torch.Generator) -> Latents:
        words, _ = self.text.words([prompt])
        content, motion, is_there = self.forger(words[:, 0].expand(_CANDIDATES, -1), self.config.frames, rng)
        content, motion = self.content_scale.up(content), self.motion_scale.up(motion)
        pictures, looks, starts = content.split([*self.decoder.latent_sizes, _POSITIONS], 1)
        centres = (
            torch.cat([starts[:, None], motion], 1).cumsum(1).view(_CANDIDATES, -1, MOST_OBJECTS, 2).transpose(1, 2)
        )
        centres = centres.masked_fill((is_there < 0.5)[:, :, None, None], torch.nan)
        return Latents(pictures, looks, centres)


class Forger(nn.Module):
    """Network: prompts and noise -> scaled values of what a clip shows, of its motion, and which objects are there.

    Args:
        content_size: number of values of pictures and looks.
        text_size: E, length of the vector of a prompt.
        noise_size: length of the noise of what a clip shows, and of that of each frame.
        width: units of the hidden layers.
    """

    def __init__(self, content_size: int, text_size: int, noise_size: int, width: int) -> None:
        super().__init__()
        self.noise_size = noise_size
        self.hidden = nn.Sequential(
            nn.Linear(text_size + noise_size, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
        )  # fmt: skip
        self.content = nn.Linear(width + text_size, content_size + _POSITIONS)
        self.is_there = nn.Linear(width + text_size, MOST_OBJECTS)
        self.gru = nn.GRU(noise_size + text_size, width // 2, batch_first=True)
        self.begin = nn.Linear(width, width // 2)
        self.motion = nn.Linear(width // 2 + text_size, _POSITIONS)

    def forward(self, prompts: Tensor, frames: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return content (N, C), motion (N, frames - 1, 6), and which objects are there, (N, 3) from 0 to 1."""
        hidden = self.hidden(torch.cat([prompts, torch.randn(len(prompts), self.noise_size, generator=rng)], 1))
        known = torch.cat([hidden, prompts], 1)
        is_there = self.is_there(known).sigmoid()
        content = self.content(known)
        content = torch.cat([content[:, :-_POSITIONS], content[:, -_POSITIONS:] * is_there.repeat_interleave(2, 1)], 1)
        repeated = prompts[:, None].expand(-1, frames - 1, -1)
        noise = torch.randn(len(prompts), frames - 1, self.noise_size, generator=rng)
        outputs, _ = self.gru(torch.cat([noise, repeated], 2), self.begin(hidden)[None])
        motion = self.motion(torch.cat([outputs, repeated], 2)) * is_there.repeat_interleave(2, 1)[:, None]
        return content, motion, is_there


class ContentDiscriminator(nn.Module):
    """Network: what a clip shows and a prompt -> how true it looks."""

    def __init__(self, size: int, text_size: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            spectral_norm(nn.Linear(size, width)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Linear(width, width)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Linear(width, width)), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.projection = Projection(text_size, width)

    def forward(self, content: Tensor, is_there: Tensor, prompts: Tensor) -> Tensor:
        """Return scores (N,) of content (N, C) with objects (N, 3) and prompts (N, E)."""
        scores: Tensor = self.projection(self.hidden(torch.cat([content, is_there], 1)), prompts)
        return scores


class MotionDiscriminator(nn.Module):
    """Network: how objects move and a prompt -> how true it looks."""

    def __init__(self, size: int, text_size: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            spectral_norm(nn.Conv1d(size, width // 4, 4, 2)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv1d(width // 4, width, 4, 2)), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.projection = Projection(text_size, width)

    def forward(self, motion: Tensor, is_there: Tensor, prompts: Tensor) -> Tensor:
        """Return scores (N,) of motion (N, frames - 1, 6) with objects (N, 3) and prompts (N, E)."""
        seen = torch.cat([motion, is_there[:, None].expand(-1, motion.shape[1], -1)], 2)
        scores: Tensor = self.projection(self.hidden(seen.transpose(1, 2)).mean(2), prompts)
        return scores


class Projection(nn.Module):
    """Score of features by themselves and by how well they agree with a prompt."""

    def __init__(self, text_size: int, width: int) -> None:
        super().__init__()
        self.alone = spectral_norm(nn.Linear(width, 1))
        self.prompt = nn.Sequential(nn.Linear(text_size, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, features: Tensor, prompts: Tensor) -> Tensor:
        """Return scores (N,) of features (N, width) and prompts (N, E)."""
        agreement = (features * self.prompt(prompts)).sum(1)
        return torch.add(self.alone(features)[:, 0], agreement)


def _values(latents: Latents) -> tuple[Tensor, Tensor, Tensor]:
    """Return what clips show (N, C), how they move (N, T - 1, 6), and which objects are there (N, 3), 0 or 1."""
    positions = latents.centres.transpose(1, 2).flatten(2)
    is_there = (~latents.centres[:, :, 0, 0].isnan()).float()
    return torch.cat([latents.pictures, latents.looks, positions[:, 0]], 1), positions.diff(dim=1), is_there
