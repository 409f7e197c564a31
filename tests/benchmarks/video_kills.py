"""Prompts of public suites, as the requests of users of one night whose shards are killed again and again.

    MLFLOW_TRACKING_URI=sqlite:///$PWD/.nightreel/mlflow.db \\
        python -m tests.benchmarks.video_kills VBench_full_info.json sora.csv [--prompts 500] [--kills 30]

The generator has to be trained already, as it is after `make nightly`; its records are in MLFLOW_TRACKING_URI. The lake is a new
one. Each kill is a SIGKILL, up to a second after a shard of the plan has begun to make clips. A shard is started again until it
succeeds. At the end every request has to have exactly one outcome.
"""

import argparse
import datetime as dt
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from tqdm import tqdm

from jobs.video import requests
from jobs.video.user_requests import user_requests
from schemas.contract import load_contract
from tests.benchmarks.prompt_suites import read_suite

_NIGHT = dt.date(2022, 5, 1)


def asked(files: Sequence[Path], count: int) -> list[dict[str, Any]]:
    """Return rows of gold.video_requests for random prompts of some suites."""
    texts = sorted({text for path in files for text, _ in read_suite(path)})
    options = dict.fromkeys(("language", "seconds", "size", "style", "generator", "seed"))
    prompts = [
        {"request": str(number), "user_id": "0" * 32, "text": text}
        | {f"requested_{name}": value for name, value in options.items()}
        for number, text in enumerate(random.Random(0).sample(texts, min(count, len(texts))))
    ]
    return list(user_requests(prompts, _NIGHT, "vae", 1))


def job(name: str, *args: str) -> str:
    """Run a job of the night and return what it prints."""
    command = [sys.executable, "-m", f"jobs.video.{name}", "--date", str(_NIGHT), *args]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout


def attempt(shard: str, kill_after_s: float | None) -> tuple[bool, list[str]]:
    """Start a shard once, and kill it that long after it has begun to make clips.

    Returns:
        True if it succeeded; the names of the clips that it made.
    """
    command = [sys.executable, "-m", "jobs.video.generate", "--date", str(_NIGHT), "--shard", shard]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        made = []
        for line in worker.stderr:
            if "clips already exist" in line and kill_after_s is not None:
                time.sleep(kill_after_s)
                worker.kill()
            if "generated clips/" in line:
                made.append(line.split("generated ")[1].split()[0])
    return worker.returncode == 0, made


def main(argv: Sequence[str] | None = None) -> None:
    """Print the outcomes, the kills and what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", type=Path, nargs="+")
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--kills", type=int, default=30)
    args = parser.parse_args(argv)
    if "MLFLOW_TRACKING_URI" not in os.environ:
        parser.error("MLFLOW_TRACKING_URI has to name the records of a trained generator")
    chance = random.Random(1)
    with TemporaryDirectory() as home:
        os.environ["NIGHTREEL_HOME"] = home
        rows = pa.Table.from_pylist(
            asked(args.suites, args.prompts), schema=load_contract(requests.TABLE).arrow_schema()
        )
        write_deltalake(f"{home}/lake/gold/video_requests", rows, partition_by=["date"])
        shards = json.loads(job("plan").splitlines()[-1])
        kills = Counter(chance.choices(shards, k=args.kills))
        made: list[str] = []
        for shard in tqdm(shards, unit="shard", disable=None):
            is_done = False
            while not is_done:
                kill = kills[shard] > 0
                kills[shard] -= kill
                is_done, clips = attempt(shard, chance.uniform(0, 1) if kill else None)
                made += clips
        job("review_queue")
        job("generated_videos")
        became = DeltaTable(f"{home}/lake/gold/generated_videos").to_pyarrow_table().to_pylist()
    refused = sum(row["refusal"] is not None for row in rows.to_pylist())
    outcomes = Counter({"refused at once": refused}) + Counter(row["outcome"] for row in became)
    assert sum(outcomes.values()) == len(rows)
    print(f"{len(rows)} requests, {len(shards)} shards, {args.kills} kills")
    print(", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())))
    print(f"{len(made)} clips made, {len(made) - len(set(made))} of them twice")


if __name__ == "__main__":
    main()
