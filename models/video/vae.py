"""The project's own text-to-video generator: a VAE draws pictures and backdrops, and sprites move in front of the backdrops.

A text encoder reads from the prompt what the clip shows. What the prompt does not say is drawn at random, as often as in the
training data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.corpus import Clips, complete, compositions_to_train_on, draw_layouts, pictures, render_clips
from models.video.cartoons.descriptions import ATTRIBUTES, Description, labels
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import COLOUR_NAMES, SCENE_NAMES
from models.video.frames import FRAME_SIZE, thumbnails
from models.video.network_generator import NetworkGenerator, rate_factor
from models.video.sprites import LayoutFlow, Sprites, place
from models.video.vae_network import ConditionalVAE, kl_divergence

_BACKDROP_NAMES = tuple(BACKDROPS)
_LAYOUT_BATCH_SIZE = 256
_LAYOUT_ATTRIBUTES = ("count", "direction", "speed")


@dataclass(frozen=True)
class VaeConfig:
    """Hyperparameters. The same config gives the same model.

    Attributes:
        recipe: increase it by hand if corpus or networks change, so that the model is trained again.
        frames, fps: length and frame rate of the clips.
        clips_per_picture, composed_clips: clips of every scene and backdrop, and of moving objects.
        captions, layouts: training data of the text encoder, and of the network that places objects.
        text_steps, vae_steps, sprite_steps, layout_steps: training steps of each network.
        batch_size: clips for each training step.
        frames_per_clip: frames of each clip for each training step.
        learning_rate, sprite_learning_rate: maximum, after a short warm-up; it then decays to 0 along a cosine.
        embedding_size: length of z, the embedding of a clip.
        hidden_size: units of the hidden layers of the decoder.
        text_embedding_size: length of the vectors of the text encoder.
        seed: of initial weights, training data and batches.
    """

    recipe: int = 3
    frames: int = 16
    fps: int = 8
    clips_per_picture: int = 32
    composed_clips: int = 600
    captions: int = 12_000
    layouts: int = 8000
    text_steps: int = 350
    vae_steps: int = 1100
    sprite_steps: int = 320
    layout_steps: int = 4000
    batch_size: int = 16
    frames_per_clip: int = 4
    learning_rate: float = 2e-3
    sprite_learning_rate: float = 1e-2
    embedding_size: int = 16
    hidden_size: int = 512
    text_embedding_size: int = 64
    seed: int = 0

    @property
    def steps(self) -> int:
        """Training steps whose losses are recorded."""
        return self.vae_steps + self.sprite_steps + self.layout_steps


@dataclass(frozen=True)
class VaeStep:
    """Losses of one training step: mean squared error of pixels (0 to 1), and KL divergence of z in nats for each clip."""

    mse: float
    kl: float


@dataclass(frozen=True)
class SpriteStep:
    """Loss of one training step: mean squared error of pixels (0 to 1) of clips of objects."""

    sprite_mse: float


@dataclass(frozen=True)
class LayoutStep:
    """Loss of one training step: mean squared error of the flow of layouts."""

    layout_mse: float


class VaeGenerator(NetworkGenerator):
    """Draws the scenes of the corpus, and any number, colour and motion of its objects in front of any backdrop."""

    name = "vae"
    nightly: ClassVar[VaeConfig] = VaeConfig()
    config: VaeConfig
    history: list[VaeStep | SpriteStep | LayoutStep]

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.vae = ConditionalVAE(
            len(SCENE_NAMES) + len(BACKDROPS),
            len(COLOUR_NAMES) + 1,
            config.frames,
            config.embedding_size,
            config.hidden_size,
        )
        self.sprites = Sprites(len(OBJECTS), len(COLOUR_NAMES))
        counts, directions, speeds = (len(ATTRIBUTES[name]) for name in _LAYOUT_ATTRIBUTES)
        self.layouts = LayoutFlow((len(OBJECTS), counts, directions, speeds))
        return {"vae": self.vae, "sprites": self.sprites, "layouts": self.layouts}

    def training_data(self) -> Clips:
        """Return the clips that the config specifies."""
        config = self.config
        composed = compositions_to_train_on(config.composed_clips, config.seed)
        return render_clips(pictures(config.clips_per_picture) + composed, config.frames, FRAME_SIZE, config.seed)

    def fit(self, clips: Clips, on_step: Callable[[int, object], object] = lambda step, losses: None) -> Self:
        """Train the text encoder on captions, the VAE on pictures, and the networks of objects on the other clips."""
        rng = torch.Generator().manual_seed(self.config.seed)
        self.history = []
        self._fit_text(rng)
        composed = np.array([d.is_composed for d in clips.descriptions])
        self._fit_vae(clips[~composed], rng, on_step)
        self._fit_sprites(clips[composed], rng, on_step)
        self._fit_layouts(rng, on_step)
        self._round_weights()
        return self

    def _fit_vae(self, clips: Clips, rng: torch.Generator, on_step: Callable[[int, object], object]) -> None:
        """Minimise the evidence lower bound with a Gaussian likelihood of pixels.

        Its variance is the optimal one of each batch (sigma-VAE: Rybkin, Daniilidis, Levine, ICML 2021), so there is no weight
        between the two terms to tune.
        """
        config, vae = self.config, self.vae
        frames = torch.from_numpy(clips.frames)
        shown, colours = _pictures(clips.descriptions)
        encoder_inputs = thumbnails(frames)
        training = _Training(vae, config.learning_rate, config.vae_steps)
        for _ in range(config.vae_steps):
            batch, numbers, target = self._batch(frames, rng)
            condition = vae.condition(shown[batch], colours[batch])
            mean, log_variance = vae.encode(encoder_inputs[batch].float() / 255 - 0.5, condition)
            z = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
            mse = F.mse_loss(vae.decoder(z, condition, numbers / config.frames), target)
            kl = kl_divergence(mean, log_variance, *vae.prior_distribution(condition)).mean()
            # -ELBO per pixel: with the optimal variance its derivative by the MSE is 1 / (2 MSE); KL is divided by all pixels.
            training.step(mse / (2 * mse.detach().clamp(min=1e-4)) + kl / frames[0].numel())
            self._record(VaeStep(mse.item(), kl.item()), on_step)

    def _fit_sprites(self, clips: Clips, rng: torch.Generator, on_step: Callable[[int, object], object]) -> None:
        """Minimise the squared error of pixels, with the sprites in their true places in front of the backdrops of the VAE."""
        config = self.config
        frames, layouts = torch.from_numpy(clips.frames), torch.from_numpy(clips.layouts)
        objects, faces_left, colours, _ = _objects(clips.descriptions)
        backdrops = torch.stack([self._picture(Description(None, backdrop=name), None) for name in BACKDROPS])
        behind = torch.tensor([_BACKDROP_NAMES.index(d.backdrop or "") for d in clips.descriptions])
        training = _Training(self.sprites, config.sprite_learning_rate, config.sprite_steps)
        for _ in range(config.sprite_steps):
            batch, numbers, target = self._batch(frames, rng)
            drawn = self.sprites(objects[batch], faces_left[batch], colours[batch])
            background = backdrops[behind[batch][:, None], numbers]
            loss = F.mse_loss(place(background, drawn, layouts[batch], numbers / config.frames), target)
            training.step(loss)
            self._record(SpriteStep(loss.item()), on_step)

    def _fit_layouts(self, rng: torch.Generator, on_step: Callable[[int, object], object]) -> None:
        config = self.config
        descriptions = compositions_to_train_on(config.layouts, config.seed)
        layouts = torch.from_numpy(draw_layouts(descriptions, config.seed))
        *_, moves = _objects(descriptions)
        training = _Training(self.layouts, config.learning_rate, config.layout_steps)
        for _ in range(config.layout_steps):
            batch = torch.randint(len(layouts), (_LAYOUT_BATCH_SIZE,), generator=rng)
            order = torch.rand(len(batch), layouts.shape[1], generator=rng).masked_fill(layouts[batch, :, 0].isnan(), 2)
            loss = self.layouts.loss(layouts[batch[:, None], order.argsort(1)], moves[batch], rng)
            training.step(loss)
            self._record(LayoutStep(loss.item()), on_step)

    def _batch(self, frames: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw clips (N,), numbers of frames (N, K), and return them with the frames (N, K, 3, S, S), 0 to 1."""
        config = self.config
        batch = torch.randint(len(frames), (config.batch_size,), generator=rng)
        order = torch.rand(config.batch_size, config.frames, generator=rng).argsort(1)
        numbers = order[:, : config.frames_per_clip]
        return batch, numbers, frames[batch[:, None], numbers].permute(0, 1, 4, 2, 3).float() / 255

    def _record(self, losses: VaeStep | SpriteStep | LayoutStep, on_step: Callable[[int, object], object]) -> None:
        self.history.append(losses)
        on_step(len(self.history), losses)

    def _draw(self, prompt: str, rng: torch.Generator) -> Tensor:
        (said,) = self.text.read([prompt])
        described = complete(said, np.random.default_rng(rng.initial_seed()))
        if not described.is_composed:
            return self._picture(described, rng)
        frames = self._picture(Description(None, backdrop=described.backdrop), rng)
        objects, faces_left, colours, moves = _objects([described])
        sprites = self.sprites(objects, faces_left, colours)
        times = torch.arange(self.config.frames)[None] / self.config.frames
        return place(frames[None], sprites, self.layouts.draw(moves, rng), times)[0]

    @torch.no_grad()
    def _picture(self, description: Description, rng: torch.Generator | None) -> Tensor:
        """Return frames (T, 3, S, S) of a scene or backdrop, random ones or the most likely ones."""
        shown, colours = _pictures([description])
        condition = self.vae.condition(shown, colours)
        z, log_variance = self.vae.prior_distribution(condition)
        if rng:
            z = z + torch.randn(z.shape, generator=rng) * (log_variance / 2).exp()
        times = torch.arange(self.config.frames)[None] / self.config.frames
        frames: Tensor = self.vae.decoder(z, condition, times)[0]
        return frames


class _Training:
    """Adam with a learning rate that warms up and decays along a cosine."""

    def __init__(self, network: nn.Module, learning_rate: float, steps: int) -> None:
        self._network = network.train()
        self._optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.99), fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: rate_factor(step, steps))

    def step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()


def _pictures(descriptions: list[Description]) -> tuple[Tensor, Tensor]:
    """Return the indices of scenes, followed by those of backdrops, (N,), and of colours, (N,); the last colour is "none"."""
    shown = [
        SCENE_NAMES.index(d.subject) if d.subject else len(SCENE_NAMES) + _BACKDROP_NAMES.index(d.backdrop or "")
        for d in descriptions
    ]
    colours = [COLOUR_NAMES.index(d.colour) if d.colour else len(COLOUR_NAMES) for d in descriptions]
    return torch.tensor(shown), torch.tensor(colours)


def _objects(descriptions: list[Description]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the indices of objects (N,), whether they face left (N,), colours (N,), and what their layout depends on (N, 4)."""
    indices = dict(zip(ATTRIBUTES, torch.from_numpy(labels(descriptions)).unbind(1), strict=True))
    objects = indices["subject"] - len(SCENE_NAMES)
    faces_left = indices["direction"] == ATTRIBUTES["direction"].index("left")
    return objects, faces_left, indices["colour"], torch.stack([objects, *(indices[n] for n in _LAYOUT_ATTRIBUTES)], 1)
