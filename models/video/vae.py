"""Text to video by a conditional VAE, conditioned on the encoded prompt."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.captions import LANGUAGES
from models.video.cartoons.corpus import Clips, partial, write_caption
from models.video.frames import thumbnails
from models.video.network_generator import NetworkGenerator, rate_factor
from models.video.vae_network import ConditionalVAE, kl_divergence


@dataclass(frozen=True)
class VaeConfig:
    """Hyperparameters of the VAE. The same config gives the same model.

    Attributes:
        recipe: increase it by hand if corpus or networks change, so that the model is trained again.
        frames, fps: length and frame rate of the clips.
        clips_per_scene, composed_clips: clips of every scene, and of moving objects.
        captions: training data of the text encoder.
        text_steps, steps: training steps of the text encoder and of the VAE.
        batch_size: clips for each training step.
        frames_per_clip: frames of each clip for each training step.
        learning_rate: maximum, after a short warm-up; it then decays to 0 along a cosine.
        embedding_size: length of z, the embedding of a clip.
        hidden_size: units of the hidden layers of the decoder.
        text_embedding_size: length of the vectors of the text encoder.
        seed: of initial weights, training data and batches.
    """

    recipe: int = 2
    frames: int = 16
    fps: int = 8
    clips_per_scene: int = 48
    composed_clips: int = 2200
    captions: int = 12_000
    text_steps: int = 350
    steps: int = 1500
    batch_size: int = 16
    frames_per_clip: int = 4
    learning_rate: float = 2e-3
    embedding_size: int = 16
    hidden_size: int = 512
    text_embedding_size: int = 64
    seed: int = 0


@dataclass(frozen=True)
class TrainingStep:
    """Losses of one training step: mean squared error of pixels (0 to 1), and KL divergence of z in nats for each clip."""

    mse: float
    kl: float


class VaeGenerator(NetworkGenerator):
    """Draws each frame from the prompt, a random vector for the clip, and the time."""

    name = "vae"
    nightly: ClassVar[VaeConfig] = VaeConfig()
    config: VaeConfig
    history: list[TrainingStep]

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.vae = ConditionalVAE(config.text_embedding_size, config.frames, config.embedding_size, config.hidden_size)
        return {"vae": self.vae}

    def fit(self, clips: Clips, on_step: Callable[[int, TrainingStep], object] = lambda step, losses: None) -> Self:
        """Train the text encoder on captions, then the VAE on clips.

        The loss is the evidence lower bound with a Gaussian likelihood of pixels. Its variance is the optimal one of each batch
        (sigma-VAE: Rybkin, Daniilidis, Levine, ICML 2021), so there is no weight between the two terms to tune.

        Args:
            clips: (N, T, S, S, 3) frames with their descriptions.
            on_step: called after each step with its number, from 1, and its losses.
        """
        config, vae = self.config, self.vae
        rng = torch.Generator().manual_seed(config.seed)
        self._fit_text(clips, rng)
        frames = torch.from_numpy(clips.frames)
        inputs = thumbnails(frames)
        chance = np.random.default_rng(config.seed)
        optimizer = torch.optim.Adam(vae.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, config.steps))
        self.history = []
        vae.train()
        for step in range(1, config.steps + 1):
            batch = torch.randint(len(frames), (config.batch_size,), generator=rng)
            order = torch.rand(config.batch_size, config.frames, generator=rng).argsort(1)
            frame_numbers = order[:, : config.frames_per_clip]
            target = frames[batch[:, None], frame_numbers].permute(0, 1, 4, 2, 3).float() / 255
            captions = [
                write_caption(partial(clips.descriptions[i], chance), LANGUAGES[n % 2], chance)
                for n, i in enumerate(batch.tolist())
            ]
            condition = vae.condition(self.text.encode(captions).pooled)
            mean, log_variance = vae.encode(inputs[batch].float() / 255 - 0.5, condition)
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

    def _draw(self, prompt: str, rng: torch.Generator) -> Tensor:
        condition = self.vae.condition(self.text.encode([prompt]).pooled)
        mean, log_variance = self.vae.prior_distribution(condition)
        z = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
        return self.vae.decoder(z, condition, torch.arange(self.config.frames)[None] / self.config.frames)[0]
