"""Quality and time of each recommender with default hyperparameters on the last night of KuaiRand.

    python -m tests.benchmarks.recommend_quality [--day 2022-05-02] [--data ../shared/data/kuairand] [--models als als_on_spark]

Targets are videos with a long view on the day that were never shown to the user before; all videos are candidates. Models are
fitted on all data up to the day before. The seconds are CPU seconds of this process; those of Spark's JVM are not in them.
"""

import argparse
import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from jobs.platform.spark import session
from jobs.recommend.spark_als import item_factors
from models.recommend.als import Als
from models.recommend.evaluation import evaluate
from models.recommend.recommender import Recommender
from models.recommend.registry import RECOMMENDERS
from models.recommend.trend import trend
from tests.benchmarks.kuairand import Split, split

_SHARED = Path(__file__).parents[3] / "shared" / "data" / "kuairand"
_ON_SPARK = "als_on_spark"
_COLUMNS = ("recall_at_20", "ndcg_at_10", "ndcg_at_20", "map_at_20", "coverage_at_20", "novelty_at_20")


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=dt.date.fromisoformat, default=dt.date(2022, 5, 2))
    parser.add_argument("--data", type=Path, default=_SHARED)
    parser.add_argument("--models", nargs="+", choices=[*RECOMMENDERS, _ON_SPARK], default=list(RECOMMENDERS))
    args = parser.parse_args(argv)
    data = split(args.data, args.day)
    print(f"{'model':14}", *(f"{name:>14}" for name in _COLUMNS), f"{'fit s':>7} {'judge s':>7}")
    for name in args.models:
        begin = time.process_time()
        model = _fit_on_spark(data.strength) if name == _ON_SPARK else _fit(name, data)
        fitted = time.process_time()
        evaluation = evaluate(model, data.strength, data.watched, data.targets)
        assert evaluation is not None
        metrics = evaluation.metrics
        times = f"{fitted - begin:7.1f} {time.process_time() - fitted:7.1f}"
        print(f"{name:14}", *(f"{metrics[column]:14.4f}" for column in _COLUMNS), times, flush=True)
    print(f"{metrics['judged_users']:.0f} users with a target on {args.day}, {data.targets.shape[1]} videos")


def _fit(name: str, data: Split) -> Recommender:
    model = RECOMMENDERS[name]()
    return model.fit(data.strength if model.signal == "strength" else data.recent, data.item_text)


def _fit_on_spark(strength: csr_matrix) -> Als:
    matrix, model = strength.tocoo(), Als()
    pairs = pa.table({"user": matrix.row, "item": matrix.col, "strength": matrix.data})
    pairs = pairs.filter(pc.greater(pairs["strength"], 0))
    model.trend = trend(strength.maximum(0))
    model.item_factors = item_factors(session().createDataFrame(pairs), strength.shape[1], pairs.num_rows, model.config)
    return model


if __name__ == "__main__":
    main()
