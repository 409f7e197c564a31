"""Measures how often clips are dropped because of their caption, if it is right and if it is wrong.

    python -m tests.benchmarks.caption_check [clips, by default 200]

The clips are drawn and encoded; neither the judge nor the text encoder was trained on them.
"""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.video.mp4 import encode_mp4
from jobs.video.training_clips import trained_caption_check
from models.video.caption_check import CaptionCheck
from models.video.captioned_clips import read_frames
from models.video.cartoons.captions import LANGUAGES
from models.video.cartoons.corpus import render_clips
from models.video.cartoons.descriptions import Description
from models.video.evaluation import evaluated_descriptions, full_captions
from models.video.generator import Frames, VideoSpec

_SEED = 31


def outcomes(check: CaptionCheck, clips: list[Frames], captions: list[str]) -> str:
    """Return the shares of clips whose caption is found to be wrong, is not judged, and agrees."""
    opinions = [check(clip, caption) for clip, caption in zip(clips, captions, strict=True)]
    counts = Counter("found wrong" if o.mismatch else "not judged" if o.not_judged else "agrees" for o in opinions)
    return ", ".join(f"{counts[name] / len(opinions):.1%} {name}" for name in ("found wrong", "not judged", "agrees"))


def as_encoded(descriptions: list[Description]) -> list[Frames]:
    """Return clips of descriptions, as a reader of their files sees them."""
    spec = VideoSpec(64, 64, 16, 8)
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        clips = []
        for frames in render_clips(descriptions, spec.frames, spec.width, _SEED).frames:
            path.write_bytes(encode_mp4(frames, spec.fps))
            clips.append(read_frames(path, spec))
    return clips


def main(count: int) -> None:
    """Print a line for each kind of caption, in each language."""
    descriptions = evaluated_descriptions(count, held_out=True, seed=_SEED)
    clips, check = as_encoded(descriptions), trained_caption_check()
    others = descriptions[1:] + descriptions[:1]
    changed = {
        "right": descriptions,
        "of another clip": others,
        "another colour": [replace(d, colour="red" if d.colour == "blue" else "blue") for d in descriptions],
        "the opposite direction": [d.reversed() for d in descriptions],
    }
    for language in LANGUAGES:
        for name, said in changed.items():
            print(f"{language} {name}: {outcomes(check, clips, full_captions(said, language, _SEED))}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
