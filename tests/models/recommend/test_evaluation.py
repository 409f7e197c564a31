"""Evaluation of a model whose columns differ from the columns of the night."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from models.recommend.ease import Ease, EaseConfig
from models.recommend.evaluation import evaluate
from tests.models.recommend.tastes import interactions

KNOWN = interactions(users=300)
TARGETS = interactions(users=300, seed=1)
TARGETS -= TARGETS.multiply(KNOWN > 0)
TARGETS.eliminate_zeros()


def test_metrics_do_not_depend_on_the_order_of_the_model_s_columns() -> None:
    order = np.random.default_rng(0).permutation(KNOWN.shape[1])
    config = EaseConfig(regularization=10.0)
    same = evaluate(Ease(config).fit(KNOWN), KNOWN, KNOWN, TARGETS)
    permuted = evaluate(Ease(config).fit(KNOWN[:, order]), KNOWN, KNOWN, TARGETS, columns=order)
    assert same is not None
    assert permuted is not None
    assert permuted.metrics == pytest.approx(same.metrics, rel=1e-3)
    assert same.metrics["ndcg_at_20"] > 0.5


def test_targets_unknown_to_the_model_count_as_misses() -> None:
    model = Ease(EaseConfig(regularization=10.0)).fit(KNOWN[:, :20])
    part = evaluate(model, KNOWN, KNOWN, TARGETS, columns=np.arange(20))
    whole = evaluate(Ease(EaseConfig(regularization=10.0)).fit(KNOWN), KNOWN, KNOWN, TARGETS)
    assert part is not None
    assert whole is not None
    assert part.metrics["judged_users"] == whole.metrics["judged_users"] == np.count_nonzero(np.diff(TARGETS.indptr))
    assert part.metrics["recall_at_20"] < 0.7 * whole.metrics["recall_at_20"]
    assert not part.shown[20:].any()


def test_removed_items_are_not_recommended() -> None:
    model = Ease(EaseConfig(regularization=10.0)).fit(KNOWN)
    columns = np.where(np.arange(40) < 30, np.arange(40), -1)
    evaluation = evaluate(model, KNOWN[:, :30], KNOWN[:, :30], TARGETS[:, :30], columns=columns)
    assert evaluation is not None
    assert evaluation.shown[:30].any()
    assert len(evaluation.shown) == 30


def test_without_targets_there_is_no_evaluation() -> None:
    assert evaluate(Ease().fit(KNOWN), KNOWN, KNOWN, csr_matrix(KNOWN.shape, dtype=np.float32)) is None
