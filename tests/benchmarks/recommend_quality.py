"""Measures how well and how fast each recommender, with its tuned defaults, ranks KuaiRand's last night.

    python -m tests.benchmarks.recommend_quality [--day 2022-05-02] [--data ../shared/data/kuairand]

Targets are the videos that were long viewed on the day and never shown to the user before; all videos are candidates. Models are
fitted on everything up to the day before.
"""

import argparse
import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path

from models.recommend.evaluation import evaluate
from models.recommend.registry import RECOMMENDERS
from tests.benchmarks.kuairand import split

_SHARED = Path(__file__).parents[3] / "shared" / "data" / "kuairand"
_COLUMNS = ("recall_at_20", "ndcg_at_10", "ndcg_at_20", "map_at_20", "coverage_at_20", "novelty_at_20")


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=dt.date.fromisoformat, default=dt.date(2022, 5, 2))
    parser.add_argument("--data", type=Path, default=_SHARED)
    parser.add_argument("--models", nargs="+", choices=RECOMMENDERS, default=list(RECOMMENDERS))
    args = parser.parse_args(argv)
    data = split(args.data, args.day)
    print(f"{'model':14}", *(f"{name:>14}" for name in _COLUMNS), f"{'fit s':>7} {'judge s':>7}")
    for name in args.models:
        model = RECOMMENDERS[name]()
        begin = time.process_time()
        model.fit(data.strength if model.signal == "strength" else data.recent, data.item_text)
        fitted = time.process_time()
        found = evaluate(model, data.strength, data.watched, data.targets).metrics
        took = f"{fitted - begin:7.1f} {time.process_time() - fitted:7.1f}"
        print(f"{name:14}", *(f"{found[column]:14.4f}" for column in _COLUMNS), took, flush=True)
    print(f"{found['judged_users']:.0f} users with a target on {args.day}, {data.targets.shape[1]} videos")


if __name__ == "__main__":
    main()
