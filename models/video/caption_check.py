"""Whether a clip shows what its caption says, by the judge, which says so where it cannot know.

The judge and the text encoder know only the drawn world of `cartoons`. So a caption is judged only if all its words are words of
the corpus' captions, and a clip only if the judge's features of it are as usual. Usual are features near those of the clips that
the judge was trained on: a Gaussian for each subject, all with the same covariance (Lee et al., "A Simple Unified Framework for
Detecting Out-of-Distribution Samples and Adversarial Attacks", NeurIPS 2018).
"""

import re
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.corpus import Clips, compositions_to_train_on, partial, pictures, write_captions
from models.video.cartoons.descriptions import ATTRIBUTES, labels
from models.video.cartoons.sentences import NAMED_ALONE
from models.video.generator import Frames
from models.video.judge import Judge
from models.video.text import TextEncoder

_LEAST_PROBABILITY = 0.05
"""Of what a caption says, by the judge: below it, the clip shows something else."""
_USUAL_PERCENT = 99
_RIDGE = 1e-3
_BATCH_SIZE = 100
_CAPTIONS = 20_000
_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Opinion:
    """What the judge thinks of a clip and its caption: at most one of the two is given. If none is, they agree.

    Attributes:
        mismatch: what the clip shows instead of what the caption says.
        not_judged: why the judge cannot know.
    """

    mismatch: str | None = None
    not_judged: str | None = None


class CaptionCheck:
    """Compares clips with their captions.

    Args:
        judge: a trained judge.
        clips: that it was trained on.
        reader: a trained text encoder.
    """

    def __init__(self, judge: Judge, clips: Clips, reader: TextEncoder) -> None:
        self._judge, self.reader = judge, reader
        batches = range(0, len(clips.frames), _BATCH_SIZE)
        features = np.concatenate([judge.features(clips.frames[n : n + _BATCH_SIZE]) for n in batches])
        _, subject = np.unique(labels(clips.descriptions)[:, 0], return_inverse=True)
        self._centres = np.stack([features[subject == n].mean(0) for n in range(subject.max() + 1)])
        covariance = np.cov(features - self._centres[subject], rowvar=False)
        self._precision = np.linalg.inv(covariance + _RIDGE * covariance.diagonal().mean() * np.eye(len(covariance)))
        self._usual = np.percentile(self._distances(features), _USUAL_PERCENT)

    def __call__(self, frames: Frames, caption: str) -> Opinion:
        """Return an opinion about a clip (T, H, W, 3) of the length and a multiple of the size that the judge was trained on."""
        if unknown := unknown_words(caption):
            return Opinion(not_judged=unknown)
        (said,) = self.reader.read([caption])
        if said.subject is None and said.backdrop is None:
            return Opinion(not_judged="the caption names nothing that the judge knows")
        if self._distances(self._judge.features(frames[None]))[0] > self._usual:
            return Opinion(not_judged="the judge has seen no clip like this one")
        for name, scores in self._judge.log_probabilities(frames[None]).items():
            value, values = asdict(said)[name], (*ATTRIBUTES[name], "none")
            if value and scores[0, values.index(value)] < np.log(_LEAST_PROBABILITY):
                return Opinion(mismatch=f"{name} is {value} in the caption, {values[scores[0].argmax()]} in the clip")
        return Opinion()

    def _distances(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far features (N, 384) are from those of known clips, (N,)."""
        apart = features[:, None] - self._centres
        return np.sqrt(np.einsum("nci,ij,ncj->nc", apart, self._precision, apart, optimize=True).min(1))


def unknown_words(caption: str) -> str | None:
    """Return which words of a caption the judge does not know, as a sentence; None if it knows all.

    It knows the words of the corpus' captions, and in Chinese their pairs of neighbouring characters.
    """
    unknown = [word for word in _words_of(caption) if word not in _vocabulary()]
    return f"the judge does not know {', '.join(unknown)}" if unknown else None


@cache
def _vocabulary() -> frozenset[str]:
    rng = np.random.default_rng(0)
    alone = [d for d in pictures(_CAPTIONS // 100) if d.is_scene or d.backdrop in NAMED_ALONE]
    said = [partial(description, rng) for description in alone + compositions_to_train_on(_CAPTIONS, 0)]
    return frozenset(word for caption in write_captions(said, 0) for word in _words_of(caption))


def _words_of(text: str) -> list[str]:
    """Return the distinct words of a text, and the pairs of neighbouring Chinese characters."""
    runs = _RUNS.findall(text.lower())
    words = ([run] if run.isascii() or len(run) == 1 else [run[n : n + 2] for n in range(len(run) - 1)] for run in runs)
    return list(dict.fromkeys(word for of_run in words for word in of_run))
