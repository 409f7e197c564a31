"""Measures how well clips show what their prompts say, by the judge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.corpus import write_caption
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions, labels
from models.video.cartoons.scenes import COLOUR_NAMES, SCENES
from models.video.generator import Frames
from models.video.judge import Judge, flicker, motion


def evaluated_descriptions(composed: int, held_out: bool, seed: int) -> list[Description]:
    """Return descriptions to evaluate: `composed` distinct ones of objects, and every scene unless they are held out."""
    rng = np.random.default_rng(seed)
    options = [description for description in compositions() if description.is_held_out == held_out]
    chosen = [options[n] for n in rng.permutation(len(options))[:composed]]
    if held_out:
        return chosen
    colours = [COLOUR_NAMES[int(rng.integers(len(COLOUR_NAMES)))] for _ in SCENES]
    return chosen + [
        Description(scene.name, colour if scene.coloured else None)
        for scene, colour in zip(SCENES.values(), colours, strict=True)
    ]


def full_captions(descriptions: Sequence[Description], language: str, seed: int) -> list[str]:
    """Return a prompt for each description, which says all of it."""
    rng = np.random.default_rng(seed)
    return [write_caption(description, language, rng) for description in descriptions]


def evaluate(judge: Judge, clips: Frames, descriptions: Sequence[Description]) -> dict[str, float]:
    """Return metrics of clips (N, T, H, W, 3) that were made from prompts with these N distinct descriptions.

    `top_1` and `top_5` are the shares of prompts whose clip is the best, or among the best five, of all N by the judge's
    agreement with the description. `accuracy_ATTRIBUTE` is the share of clips in which the judge names what was asked for.
    """
    agreement = judge.agreement(clips, descriptions)
    ranks = (agreement > np.diag(agreement)[:, None]).sum(1)
    metrics = {"top_1": float((ranks < 1).mean()), "top_5": float((ranks < 5).mean())}
    asked, shown = labels(list(descriptions)), judge.attributes(clips)
    for position, (name, values) in enumerate(ATTRIBUTES.items()):
        is_asked = asked[:, position] < len(values)
        if is_asked.any():
            metrics[f"accuracy_{name}"] = float((asked == shown)[is_asked, position].mean())
    return metrics | {"motion": motion(clips), "flicker": flicker(clips)}


def diversity(clips: Frames) -> float:
    """Return the mean absolute difference of a pixel between clips of one prompt, in levels of 0 to 255.

    Args:
        clips: (prompts, seeds, T, H, W, 3), at least two seeds.
    """
    values = clips.astype(np.int16)
    return float(np.mean([np.abs(of_prompt[1:] - of_prompt[:-1]).mean() for of_prompt in values]))


def frechet_distance(features: NDArray[np.float64], of_others: NDArray[np.float64]) -> float:
    """Return the distance of two sets of clips: that of Gaussians with the means and covariances of their features.

    It is the Fréchet video distance (Unterthiner et al., "Towards Accurate Generative Models of Video", 2018) with the judge's
    features instead of those of a large network, so its numbers can only be compared with each other.

    Args:
        features, of_others: (N, D) and (M, D), see `Judge.features`.
    """
    means = features.mean(0), of_others.mean(0)
    covariances = [np.cov(values, rowvar=False) for values in (features, of_others)]
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ covariances[1] @ root).clip(min=0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1]) - 2 * overlap)
