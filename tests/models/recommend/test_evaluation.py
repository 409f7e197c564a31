"""Judging a model whose columns are not the night's."""

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


def test_a_model_in_other_columns_is_judged_the_same() -> None:
    order = np.random.default_rng(0).permutation(KNOWN.shape[1])
    config = EaseConfig(regularization=10.0)
    here = evaluate(Ease(config).fit(KNOWN), KNOWN, KNOWN, TARGETS)
    there = evaluate(Ease(config).fit(KNOWN[:, order]), KNOWN, KNOWN, TARGETS, columns=order)
    assert there.metrics == pytest.approx(here.metrics, rel=1e-3)
    assert here.metrics["ndcg_at_20"] > 0.5


def test_targets_that_the_model_does_not_know_are_missed_not_left_out() -> None:
    model = Ease(EaseConfig(regularization=10.0)).fit(KNOWN[:, :20])
    part = evaluate(model, KNOWN, KNOWN, TARGETS, columns=np.arange(20))
    whole = evaluate(Ease(EaseConfig(regularization=10.0)).fit(KNOWN), KNOWN, KNOWN, TARGETS)
    assert part.metrics["judged_users"] == whole.metrics["judged_users"] == np.count_nonzero(np.diff(TARGETS.indptr))
    assert part.metrics["recall_at_20"] < 0.7 * whole.metrics["recall_at_20"]
    assert part.ids.max() < 20


def test_columns_that_are_gone_are_not_shown() -> None:
    model = Ease(EaseConfig(regularization=10.0)).fit(KNOWN)
    columns = np.where(np.arange(40) < 30, np.arange(40), -1)
    judged = evaluate(model, KNOWN[:, :30], KNOWN[:, :30], TARGETS[:, :30], columns=columns)
    assert (judged.ids >= 0).any()
    assert judged.ids.max() < 30


def test_refuses_to_judge_by_nothing() -> None:
    model = Ease().fit(KNOWN)
    with pytest.raises(ValueError, match="no user has a target"):
        evaluate(model, KNOWN, KNOWN, csr_matrix(KNOWN.shape, dtype=np.float32))
