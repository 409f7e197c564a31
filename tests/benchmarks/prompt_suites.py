"""Runs the prompts of a public suite through a generator, and measures their clips by the dimensions of the suite.

    python -m tests.benchmarks.prompt_suites VBench_full_info.json [--generator vae] [--most 200] [--sheet /tmp/sheet.png]

Reads the files of VBench (`VBench_full_info.json`, `all_dimension_cn.txt`), ChronoMagic-Bench (`Captions_ChronoMagic-Bench.csv`,
by main category) and Open-Sora (`sora.csv`). The generator is a name in models/video/registry.py, which is trained first, or the
path or id of a diffusers pipeline. Of more than `--most` prompts, as many are drawn at random.
"""

import argparse
import csv
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jobs.video.clip import Clip
from jobs.video.contact_sheet import Strip, write_contact_sheet
from jobs.video.generate import passed_checks
from jobs.video.prompt_check import normalized, refusal
from models.video.generator import VideoGenerator
from models.video.judge import flicker, motion
from models.video.registry import GENERATORS

_SHOWN = 60
_ALL = "all prompts"

Prompts = list[tuple[str, list[str]]]
"""Texts with their dimensions."""


def read_suite(path: Path) -> Prompts:
    """Return the prompts of a suite.

    Raises:
        ValueError: the file has another format.
    """
    if path.suffix == ".json":
        return [
            (entry["prompt_en"], list(entry["dimension"])) for entry in json.loads(path.read_text(encoding="utf-8"))
        ]
    if path.suffix == ".txt":
        return [(line, []) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        text = next((name for name in ("name", "text") if rows and name in rows[0]), None)
        if text:
            return [(row[text], [row["main_category"]] if "main_category" in row else []) for row in rows]
    raise ValueError(
        f"{path} is no suite of VBench, ChronoMagic-Bench or Open-Sora: expected .json, .txt, or .csv with `name` or `text`"
    )


def load_generator(name: str) -> VideoGenerator:
    """Return a trained generator of the project, or a diffusers pipeline."""
    if name in GENERATORS:
        generator = GENERATORS[name]()
        return generator.fit(generator.training_data())
    from models.video.diffusers_pipeline import DiffusersGenerator

    return DiffusersGenerator(name)


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row for each dimension."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path)
    parser.add_argument("--generator", default="vae")
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of the first clips")
    args = parser.parse_args(argv)
    try:
        prompts = read_suite(args.suite)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    prompts = random.Random(0).sample(prompts, min(args.most, len(prompts)))
    generator = load_generator(args.generator)
    measured: dict[str, list[tuple[float, float, float, bool]]] = defaultdict(list)
    refused = 0
    strips: list[Strip] = []
    for text, dimensions in tqdm(prompts, unit="clip", disable=None):
        prompt = normalized(text)
        if refusal(prompt) is not None:
            refused += 1
            continue
        clip = Clip(prompt, 0, generator.spec, generator.name, generator.version)
        begin = time.perf_counter()
        frames = generator.generate([prompt], [clip.seed], clip.spec)
        seconds = time.perf_counter() - begin
        passed = len(passed_checks(clip, frames[0])) == 4
        for dimension in [_ALL, *dimensions]:
            measured[dimension].append((seconds, motion(frames), flicker(frames), passed))
        if len(strips) < _SHOWN:
            strips.append(Strip(frames[0], prompt, prompt[:60]))
    print(f"{args.suite.name}, {generator.version}: {len(prompts)} prompts, {refused} refused")
    print(f"{'':28} {'clips':>6} {'s a clip':>9} {'motion':>7} {'flicker':>8} {'pass':>6}")
    for dimension, values in sorted(measured.items(), key=lambda item: (item[0] != _ALL, item[0])):
        seconds, moves, flickers, passed = np.mean(values, axis=0)
        print(f"{dimension:28} {len(values):6} {seconds:9.3f} {moves:7.2f} {flickers:8.2f} {passed:6.1%}")
    if args.sheet:
        write_contact_sheet(args.sheet, generator.version, strips)


if __name__ == "__main__":
    main()
