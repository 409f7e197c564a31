"""Decoder that all of the project's own generators share: latents -> frames, and the latents of what a clip shows.

A VAE draws scenes and backdrops. Objects are sprites in front of a backdrop. So a generator only has to learn what a prompt asks
for and how it moves, in some hundred numbers, and not how pixels make a picture.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.corpus import Clips, compositions_to_train_on, pictures, render_clips
from models.video.cartoons.descriptions import ATTRIBUTES, Description, labels
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import COLOUR_NAMES, SCENE_NAMES
from models.video.frames import FRAME_SIZE, thumbnails
from models.video.latents import Latents, frame_times, moving
from models.video.optimization import Optimization
from models.video.sprites import LOOK_SIZE, Sprites, place
from models.video.training import Training, random_numbers
from models.video.vae_network import ConditionalVAE, kl_divergence

_BACKDROP_NAMES = tuple(BACKDROPS)


@dataclass(frozen=True)
class DecoderConfig:
    """Hyperparameters of the decoder and of the text encoder. The same config gives the same model.

    Attributes:
        recipe: increase it by hand if corpus or networks change, so that the model is trained again.
        frames, fps: length and frame rate of the clips.
        clips_per_picture, composed_clips: clips of every scene and backdrop, and of moving objects.
        captions: number of captions that the text encoder and the latents are trained on.
        text_steps, vae_steps, sprite_steps: training steps of each network. The names of all such numbers end like these.
        batch_size: clips for each training step.
        frames_per_clip: frames of each clip for each training step.
        learning_rate, sprite_learning_rate: maximum, after a short warm-up; it then decays to 0 along a cosine.
        embedding_size: length of z, the embedding of a picture.
        hidden_size: units of the hidden layers of the decoder of pictures.
        text_encoder: a pre-trained text encoder by path or id, see `pretrained_text`; empty for the project's own.
        text_embedding_size: length of the vectors of the text encoder.
        seed: of initial weights, training data and batches.
    """

    recipe: int = 3
    frames: int = 16
    fps: int = 8
    clips_per_picture: int = 32
    composed_clips: int = 600
    captions: int = 16_000
    text_steps: int = 600
    vae_steps: int = 1100
    sprite_steps: int = 320
    batch_size: int = 16
    frames_per_clip: int = 4
    learning_rate: float = 2e-3
    sprite_learning_rate: float = 1e-2
    embedding_size: int = 16
    hidden_size: int = 512
    text_encoder: str = ""
    text_embedding_size: int = 64
    seed: int = 0

    @property
    def steps(self) -> int:
        """Training steps of all networks."""
        return sum(self._steps().values())

    def longer(self, times: int) -> Self:
        """Return the config of a training with `times` as many steps."""
        return replace(self, **{name: times * steps for name, steps in self._steps().items()})

    def _steps(self) -> dict[str, Any]:
        names = [field.name for field in fields(self) if field.name.endswith("_steps")]
        return {name: getattr(self, name) for name in names if name != "euler_steps"}


@dataclass(frozen=True)
class PictureStep:
    """Losses of one training step: mean squared error of pixels (0 to 1), and KL divergence of z in nats for each clip."""

    mse: float
    kl: float


@dataclass(frozen=True)
class SpriteStep:
    """Loss of one training step: mean squared error of pixels (0 to 1) of clips of objects."""

    sprite_mse: float


class ClipDecoder(nn.Module):
    """Draws clips from latents.

    Args:
        config: sizes of the networks, and how they are trained.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.vae = ConditionalVAE(
            len(SCENE_NAMES) + len(BACKDROPS),
            len(COLOUR_NAMES) + 1,
            config.frames,
            config.embedding_size,
            config.hidden_size,
        )
        self.sprites = Sprites(len(OBJECTS), len(COLOUR_NAMES))

    @property
    def latent_sizes(self) -> tuple[int, int]:
        """P and A, the lengths of the vectors of pictures and of looks, see `Latents`."""
        return self.vae.condition_size + self.config.embedding_size, LOOK_SIZE

    def clips(self) -> Clips:
        """Return the training clips that the config specifies."""
        config = self.config
        composed = compositions_to_train_on(config.composed_clips, config.seed)
        return render_clips(pictures(config.clips_per_picture) + composed, config.frames, FRAME_SIZE, config.seed)

    def fit(self, clips: Clips, training: Training) -> None:
        """Train the VAE on scenes and backdrops, then the sprites on the other clips.

        Args:
            clips: (N, T, S, S, 3) frames with their descriptions and layouts.
            training: records the losses.
        """
        is_composed = np.array([d.is_composed for d in clips.descriptions])
        self._fit_pictures(clips[~is_composed], training)
        self._fit_sprites(clips[is_composed], training)

    @torch.no_grad()
    def latents(self, descriptions: list[Description], layouts: Tensor, rng: torch.Generator) -> Latents:
        """Return the latents of N clips.

        Args:
            descriptions: what they show, completely.
            layouts: (N, 3, 4) where their objects move; NaN for missing ones.
            rng: draws the random details of pictures.
        """
        is_composed = torch.tensor([d.is_composed for d in descriptions])
        behind = [Description(None, backdrop=d.backdrop) if d.is_composed else d for d in descriptions]
        looks = torch.full((len(descriptions), LOOK_SIZE), torch.nan)
        if is_composed.any():
            looks[is_composed] = self._looks([d for d in descriptions if d.is_composed])
        return Latents(self._pictures(behind, rng), looks, moving(layouts, frame_times(self.config.frames)))

    def forward(self, latents: Latents) -> Tensor:
        """Return the frames (N, T, 3, S, S), about 0 to 1, of the latents of N clips."""
        frames = self._frames_of(latents.pictures)
        return place(frames, self.sprites(latents.looks.nan_to_num()), latents.centres)

    def _fit_pictures(self, clips: Clips, training: Training) -> None:
        """Minimise the evidence lower bound with a Gaussian likelihood of pixels.

        Its variance is the optimal one of each batch (sigma-VAE: Rybkin, Daniilidis, Levine, ICML 2021), so there is no weight
        between the two terms to tune.
        """
        config, vae = self.config, self.vae
        frames = torch.from_numpy(clips.frames)
        shown, colours = _shown(clips.descriptions)
        encoder_inputs = thumbnails(frames)
        rng = random_numbers("pictures", config.seed)
        optimization = Optimization(vae, config.learning_rate, config.vae_steps)
        for _ in training.steps("pictures", config.vae_steps, PictureStep, rng, optimization):
            batch, numbers, target = self._batch(frames, rng)
            condition = vae.condition(shown[batch], colours[batch])
            mean, log_variance = vae.encode(encoder_inputs[batch].float() / 255 - 0.5, condition)
            z = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
            mse = F.mse_loss(vae.decoder(z, condition, numbers / config.frames), target)
            kl = kl_divergence(mean, log_variance, *vae.prior_distribution(condition)).mean()
            # -ELBO per pixel: with the optimal variance its derivative by the MSE is 1 / (2 MSE); KL is divided by all pixels.
            optimization.step(mse / (2 * mse.detach().clamp(min=1e-4)) + kl / frames[0].numel())
            training.record(PictureStep(mse.item(), kl.item()))

    def _fit_sprites(self, clips: Clips, training: Training) -> None:
        """Minimise the squared error of pixels, with the sprites in their true places in front of the backdrops of the VAE."""
        config = self.config
        frames, layouts = torch.from_numpy(clips.frames), torch.from_numpy(clips.layouts)
        with torch.no_grad():
            backdrops = self._frames_of(self._pictures([Description(None, backdrop=name) for name in BACKDROPS], None))
        behind = torch.tensor([_BACKDROP_NAMES.index(d.backdrop or "") for d in clips.descriptions])
        objects = _objects(clips.descriptions)
        rng = random_numbers("sprites", config.seed)
        optimization = Optimization(self.sprites, config.sprite_learning_rate, config.sprite_steps)
        for _ in training.steps("sprites", config.sprite_steps, SpriteStep, rng, optimization):
            batch, numbers, target = self._batch(frames, rng)
            drawn = self.sprites(self.sprites.look(*(values[batch] for values in objects)))
            background = backdrops[behind[batch][:, None], numbers]
            loss = F.mse_loss(place(background, drawn, moving(layouts[batch], numbers / config.frames)), target)
            optimization.step(loss)
            training.record(SpriteStep(loss.item()))

    def _batch(self, frames: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw clips (N,), numbers of frames (N, K), and return them with the frames (N, K, 3, S, S), 0 to 1."""
        config = self.config
        batch = torch.randint(len(frames), (config.batch_size,), generator=rng)
        order = torch.rand(config.batch_size, config.frames, generator=rng).argsort(1)
        numbers = order[:, : config.frames_per_clip]
        return batch, numbers, frames[batch[:, None], numbers].permute(0, 1, 4, 2, 3).float() / 255

    def _pictures(self, descriptions: list[Description], rng: torch.Generator | None) -> Tensor:
        """Return pictures (N, P) of scenes and backdrops, random ones or the most likely ones."""
        condition = self.vae.condition(*_shown(descriptions))
        z, log_variance = self.vae.prior_distribution(condition)
        if rng:
            z = z + torch.randn(z.shape, generator=rng) * (log_variance / 2).exp()
        return torch.cat([condition, z], 1)

    def _frames_of(self, pictures: Tensor) -> Tensor:
        """Return the frames (N, T, 3, S, S) of pictures (N, P)."""
        condition, z = pictures.split([self.vae.condition_size, self.config.embedding_size], 1)
        frames: Tensor = self.vae.decoder(z, condition, frame_times(self.config.frames).expand(len(z), -1))
        return frames

    def _looks(self, descriptions: list[Description]) -> Tensor:
        """Return what the objects of descriptions look like, (N, A)."""
        return self.sprites.look(*_objects(descriptions))


def _shown(descriptions: list[Description]) -> tuple[Tensor, Tensor]:
    """Return the indices of scenes, followed by those of backdrops, (N,), and of colours, (N,); the last colour is "none"."""
    shown = [
        SCENE_NAMES.index(d.subject) if d.subject else len(SCENE_NAMES) + _BACKDROP_NAMES.index(d.backdrop or "")
        for d in descriptions
    ]
    colours = [COLOUR_NAMES.index(d.colour) if d.colour else len(COLOUR_NAMES) for d in descriptions]
    return torch.tensor(shown), torch.tensor(colours)


def _objects(descriptions: list[Description]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the indices of objects (N,), whether they face left (N,), and the indices of their colours (N,)."""
    indices = dict(zip(ATTRIBUTES, torch.from_numpy(labels(descriptions)).unbind(1), strict=True))
    faces_left = indices["direction"] == ATTRIBUTES["direction"].index("left")
    return indices["subject"] - len(SCENE_NAMES), faces_left, indices["colour"]
