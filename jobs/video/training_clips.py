"""gold.training_clips: which captioned clips of a folder a model may learn from, and why not the others.

    make corpus CLIPS=folder                             checks the clips; layouts: models/video/captioned_clips.py
    make corpus CLIPS=folder ZH_EN=folder EN_ZH=folder   also paraphrases the captions, with two translators of `transformers`

A clip is dropped if its file is damaged, if it is too short, black, frozen or shows text, if it shows something else than its
caption says, or if it is a copy of a clip that is kept. That may be a clip of another folder that was checked for the same day,
whose rows stay as they are.
"""

import argparse
import hashlib
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from tqdm import tqdm

from jobs.platform.errors import BadInput, UsageError
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.prompt_check import CHINESE, ENGLISH, language_of
from models.video.augmentation import mirrored_caption, reversed_caption
from models.video.caption_check import CaptionCheck, unknown_words
from models.video.captioned_clips import BrokenClip, CaptionedClip, read_captioned_clips, read_frames
from models.video.cartoons.corpus import described_captions, render_clips
from models.video.cartoons.descriptions import labels
from models.video.clip_filters import copies, measure, reasons
from models.video.frames import FRAME_SIZE
from models.video.generator import VideoSpec
from models.video.judge import Judge, training_descriptions
from models.video.ngram_text import NgramEncoder
from models.video.text import TextEncoder
from models.video.training import Training
from models.video.translation import PretrainedTranslator, Translator, paraphrase
from schemas.contract import load_contract

TABLE = "gold.training_clips"

_JUDGED = VideoSpec(FRAME_SIZE, FRAME_SIZE, frames=16, fps=8)
_SEED = 2_000_003
_EMBEDDING_SIZE, _CAPTIONS, _STEPS = 64, 14_000, 500  # of the text encoder
_LOG_EVERY = 100
_DROPPED = "the clip is dropped"

Row = dict[str, Any]

_log = logging.getLogger(__name__)


def training_clips(
    folder: Path,
    clips: Sequence[CaptionedClip],
    others: Sequence[Row],
    translators: Mapping[str, Sequence[Translator]],
    caption_check: Callable[[], CaptionCheck],
) -> list[Row]:
    """Return the rows of the clips of a folder, without the day.

    Args:
        folder: the folder.
        clips: what it lists, each once.
        others: the rows of other folders for the same day.
        translators: language of captions -> translators into another language and back.
        caption_check: called only if there is a caption to judge or to paraphrase.
    """
    rows = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders and networks work outside Python's lock
        measured = pool.map(lambda clip: _measured(folder, clip), clips)
        for number, row in enumerate(tqdm(measured, total=len(clips), unit="clip", disable=not sys.stderr.isatty()), 1):
            rows.append(row)
            if number % _LOG_EVERY == 0:
                _log.info("measured %d of %d clips", number, len(clips))
    for row, clip in zip(rows, clips, strict=True):
        if not row["reasons"]:
            row |= _judged(clip, caption_check)
    _drop_copies(rows, others)
    kept = [row for row in rows if not row["reasons"]]
    for row in kept:
        row |= {
            "mirrored_caption": mirrored_caption(row["caption"]),
            "reversed_caption": reversed_caption(row["caption"]),
        }
    for language, (there, back) in translators.items():
        if rows_of_language := [row for row in kept if language_of(row["caption"]) == language]:
            _paraphrase(rows_of_language, there, back, caption_check().reader)
    return [{**row, "kept": not row["reasons"]} for row in rows]


def _measured(folder: Path, clip: CaptionedClip) -> Row:
    """Return the columns that only depend on the clip's file and its caption."""
    path, folder = clip.path.resolve(), folder.resolve()
    row = {
        "folder": str(folder),
        "path": str(path.relative_to(folder) if path.is_relative_to(folder) else path),
        "caption": clip.caption,
        "sha256": hashlib.sha256(clip.path.read_bytes()).hexdigest(),
    }
    try:
        measures = measure(clip.path)
    except BrokenClip as error:
        return {**row, "reasons": [f"damaged: {error}"], "not_judged": _DROPPED}
    why = reasons(measures)
    return {**row, **asdict(measures), "reasons": why, "not_judged": _DROPPED if why else None}


def _judged(clip: CaptionedClip, caption_check: Callable[[], CaptionCheck]) -> Row:
    """Return the columns that depend on whether a clip shows what its caption says."""
    if unknown := unknown_words(clip.caption):
        return {"not_judged": unknown}
    opinion = caption_check()(read_frames(clip.path, _JUDGED), clip.caption)
    return {"not_judged": opinion.not_judged, "reasons": [opinion.mismatch] if opinion.mismatch else []}


@cache
def trained_caption_check() -> CaptionCheck:
    """Train a judge and a text encoder of captions; those of a generator would judge the clips that it draws."""
    _log.info("training a judge of captions")
    texts, said = described_captions(_CAPTIONS, _SEED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        reader = NgramEncoder(_EMBEDDING_SIZE)
        rng = torch.Generator().manual_seed(_SEED)
        reader.fit(texts, torch.from_numpy(labels(said)), steps=_STEPS, rng=rng, training=Training())
    clips = render_clips(training_descriptions(), _JUDGED.frames, FRAME_SIZE, _SEED)
    return CaptionCheck(Judge(_JUDGED.frames, clips=clips), clips, reader.eval())


def _drop_copies(rows: Sequence[Row], others: Sequence[Row]) -> None:
    """Add a reason to the rows of clips that are copies of one that is kept. A clip may have several captions."""
    names = {(row["folder"], row["path"]): row["perceptual_hash"] for row in (*others, *rows) if not row["reasons"]}
    originals = copies([*names.values()])
    copied = {name: [*names][first] for name, first in zip(names, originals, strict=True) if first is not None}
    for row in rows:
        if original := copied.get((row["folder"], row["path"])):
            name = original[1] if original[0] == row["folder"] else Path(*original)
            row["reasons"] = [*row["reasons"], f"copy of {name}"]


def _paraphrase(rows: Sequence[Row], there: Translator, back: Translator, reader: TextEncoder) -> None:
    """Fill the columns of paraphrases."""
    results = paraphrase([row["caption"] for row in rows], there, back, reader)
    for row, result in zip(rows, results, strict=True):
        row |= {"paraphrase": None if result.refusal else result.text, "paraphrase_refusal": result.refusal}


def _rows_of_others(context: JobContext, folder: Path) -> list[Row]:
    """Return the rows of other folders for the day."""
    if not context.lake.has_day(TABLE, context.date):
        return []
    of_others = (pc.field("date") == pa.scalar(context.date)) & (pc.field("folder") != str(folder.resolve()))
    return list(context.lake.arrow(TABLE).to_table(filter=of_others).to_pylist())


def _translators(chinese: str, english: str) -> dict[str, tuple[Translator, Translator]]:
    if not chinese and not english:
        return {}
    if not (chinese and english):
        raise UsageError("give both translators: ZH_EN=folder EN_ZH=folder")
    zh_en, en_zh = PretrainedTranslator(Path(chinese)), PretrainedTranslator(Path(english))
    return {CHINESE: (zh_en, en_zh), ENGLISH: (en_zh, zh_en)}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clips", required=True, type=Path, help="folder of captioned clips")
    parser.add_argument("--zh-en", default="", help="folder of a translator from Chinese into English")
    parser.add_argument("--en-zh", default="", help="folder of a translator from English into Chinese")


def main(argv: Sequence[str] | None = None) -> None:
    """Write the rows of the folder, and print what became of its clips."""
    with run_job(argv, __doc__, _arguments, writes=TABLE) as context:
        folder: Path = context.args.clips
        try:
            translators = _translators(context.args.zh_en, context.args.en_zh)
            clips = list(dict.fromkeys(read_captioned_clips(folder)))
        except ValueError as error:
            raise BadInput(str(error)) from error
        others = _rows_of_others(context, folder)
        rows = training_clips(folder, clips, others, translators, trained_caption_check)
        dated = [*others, *({**row, "date": context.date} for row in rows)]
        context.lake.write(pa.Table.from_pylist(dated, schema=load_contract(TABLE).arrow_schema()))
        for row in rows:
            print(f"{row['path']}: {_outcome(row)}")
        print(f"{sum(row['kept'] for row in rows)} of {len(rows)} clips are kept, see {TABLE} of {context.date}")


def _outcome(row: Row) -> str:
    if row["reasons"]:
        return f"dropped: {'; '.join(row['reasons'])}"
    return f"kept, not judged: {row['not_judged']}" if row["not_judged"] else "kept"


if __name__ == "__main__":
    main()
