"""Purpose-made clips that a judge must tell apart from correct ones. Run by `video_quality`."""

from dataclasses import replace

import numpy as np

from models.video.cartoons.corpus import render_clips
from models.video.cartoons.descriptions import ATTRIBUTES, Description
from models.video.evaluation import evaluated_descriptions
from models.video.frames import FRAME_SIZE
from models.video.generator import Frames
from models.video.judge import Judge

_SEED = 31


def audit(judge: Judge, frames: int, prompts: int = 100) -> dict[str, float]:
    """Return for each kind of wrong clip the share that the judge finds to fit worse than the correct clip of the prompt.

    Args:
        judge: what to audit.
        frames: of each clip.
        prompts: number of seen, and of held-out, combinations.
    """
    rng = np.random.default_rng(_SEED)
    seen = evaluated_descriptions(prompts, held_out=False, seed=_SEED)
    asked = evaluated_descriptions(prompts, held_out=True, seed=_SEED) + [d for d in seen if not d.is_scene]
    correct = render_clips(asked, frames, FRAME_SIZE, _SEED).frames
    fit = _fit(judge, correct, asked)

    def found(wrong: Frames) -> float:
        return float((_fit(judge, wrong, asked) < fit).mean())

    order = rng.permutation(frames)
    results = {
        "clip of another prompt": found(np.roll(correct, 1, axis=0)),
        "one frame, frozen": found(np.repeat(correct[:, frames // 2 : frames // 2 + 1], frames, axis=1)),
        "frames shuffled": found(correct[:, order]),
        "played backwards": found(correct[:, ::-1]),
        "noise": found(rng.integers(0, 256, correct.shape, np.uint8)),
    }
    for name in ATTRIBUTES:
        changed = [replace(d, **{name: _another(d, name, rng)}) for d in asked]
        results[f"wrong {name}"] = found(render_clips(changed, frames, FRAME_SIZE, _SEED).frames)
    scenes = [d for d in seen if d.is_scene]
    named = judge.attributes(render_clips(scenes, frames, FRAME_SIZE, _SEED).frames)[:, 0]
    results["scenes named correctly"] = float(
        np.mean([ATTRIBUTES["subject"][n] == d.subject for n, d in zip(named.clip(max=29), scenes, strict=True)])
    )
    return results


def _fit(judge: Judge, clips: Frames, descriptions: list[Description]) -> np.ndarray:
    return np.diag(judge.agreement(clips, descriptions))


def _another(description: Description, name: str, rng: np.random.Generator) -> str:
    values = [v for v in ATTRIBUTES[name] if v != getattr(description, name)]
    if name == "subject":
        values = [v for v in values if not Description(v).is_scene]
    return values[int(rng.integers(len(values)))]
