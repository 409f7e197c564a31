"""Clips that show something else than their captions say are found; what the judge cannot know, it does not judge."""

from pathlib import Path

import numpy as np
import pytest

from models.video.augmentation import mirrored_caption, reversed_caption
from models.video.caption_check import CaptionCheck, unknown_words
from models.video.captioned_clips import read_captioned_clips, read_frames
from models.video.cartoons.corpus import Clips, render_clips
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions, labels
from models.video.evaluation import evaluated_descriptions, full_captions
from models.video.generator import Frames, VideoSpec
from models.video.judge import Judge
from models.video.text import TextEncoder

SPEC = VideoSpec(64, 64, 16, 8)


@pytest.fixture(scope="module")
def check(judge: Judge, judged_clips: Clips, reader: TextEncoder) -> CaptionCheck:
    return CaptionCheck(judge, judged_clips, reader)


@pytest.fixture(scope="module")
def described() -> tuple[Frames, list[Description], list[str]]:
    """Clips that the judge has not seen, with what they show and English captions."""
    descriptions = evaluated_descriptions(30, held_out=False, seed=4)
    return render_clips(descriptions, 16, 64, seed=6).frames, descriptions, full_captions(descriptions, "en", seed=6)


def test_few_right_captions_and_most_wrong_ones_are_found(
    check: CaptionCheck, described: tuple[Frames, list[Description], list[str]]
) -> None:
    clips, _, captions = described
    right = [check(clip, caption) for clip, caption in zip(clips, captions, strict=True)]
    wrong = [check(clip, caption) for clip, caption in zip(clips, captions[7:] + captions[:7], strict=True)]
    assert sum(opinion.not_judged is not None for opinion in right) <= 20
    assert sum(opinion.mismatch is not None for opinion in right) <= 5
    judged = [opinion for opinion in wrong if opinion.not_judged is None]
    assert sum(opinion.mismatch is not None for opinion in judged) >= 0.85 * len(judged)


def test_what_the_judge_does_not_know_is_not_judged(
    check: CaptionCheck, described: tuple[Frames, list[Description], list[str]]
) -> None:
    clip = described[0][0]
    assert check(clip, "a man is surfing").not_judged == "the judge does not know man, surfing"
    assert check(clip, "一只鱼香肉丝").not_judged is not None
    assert check(clip, "a beautiful video").not_judged is not None
    noise = np.random.default_rng(0).integers(0, 255, clip.shape).astype(np.uint8)
    assert check(noise, "a red car").not_judged == "the judge has seen no clip like this one"


def test_most_captions_of_the_corpus_are_known() -> None:
    descriptions = evaluated_descriptions(100, held_out=True, seed=8)
    assert sum(unknown_words(text) is None for text in full_captions(descriptions, "en", seed=8)) >= 95
    assert sum(unknown_words(text) is None for text in full_captions(descriptions, "zh", seed=8)) >= 70


def test_no_real_clip_is_judged_even_if_its_caption_is_known(check: CaptionCheck, shared_data: Path) -> None:
    folders = ("crush_smol", "tune_a_video")
    clips = [clip for name in folders for clip in read_captioned_clips(shared_data / "clips" / name)]
    for clip in clips:
        frames = read_frames(clip.path, SPEC)
        assert check(frames, clip.caption).not_judged is not None
        assert check(frames, "a red car").not_judged == "the judge has seen no clip like this one"


def test_changed_clips_show_what_their_changed_captions_say(judge: Judge, reader: TextEncoder) -> None:
    moving = [
        d for d in compositions()
        if (d.subject, d.count, d.speed, d.backdrop) == ("balloon", "1", "fast", "day")
    ]  # fmt: skip
    captions = [f"a {d.colour} balloon drifting {d.direction}" for d in moving]
    clips = render_clips(moving, 16, 64, seed=5).frames
    for change, with_caption in ((np.flip(clips, 3), mirrored_caption), (np.flip(clips, 1), reversed_caption)):
        said = reader.read([with_caption(caption) or "" for caption in captions])
        seen = judge.attributes(np.ascontiguousarray(change))
        expected = labels(said)
        position = list(ATTRIBUTES).index("direction")
        assert (seen == expected)[:, position].mean() > 0.65  # a quarter by chance
        assert (seen == labels(reader.read(captions)))[:, position].mean() < 0.65
