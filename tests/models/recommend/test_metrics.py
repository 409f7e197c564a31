"""The vectorised metrics are compared with plain implementations of their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from models.recommend import metrics

ITEMS = 12
rankings = st.lists(st.integers(0, ITEMS - 1), max_size=8, unique=True)
target_sets = st.sets(st.integers(0, ITEMS - 1), min_size=1)
user_lists = st.lists(st.tuples(rankings, target_sets), min_size=1, max_size=6)
cutoffs = st.integers(1, 10)


def arrays(users: list[tuple[list[int], set[int]]]) -> tuple[np.ndarray, csr_matrix, np.ndarray]:
    ids = np.array([row + [-1] * (8 - len(row)) for row, _ in users])
    targets = csr_matrix([[float(i in target) for i in range(ITEMS)] for _, target in users])
    return ids, targets, np.array([len(target) for _, target in users])


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def precision(row: list[int], target: set[int], k: int) -> float:
    return len(set(row[:k]) & target) / k


@given(user_lists, cutoffs)
def test_recall_ndcg_and_map_are_their_definitions(users: list[tuple[list[int], set[int]]], k: int) -> None:
    ids, targets, counts = arrays(users)
    is_hit = metrics.hits(ids, targets)
    recall, ndcg, average = [], [], []
    for row, target in users:
        recall.append(len(set(row[:k]) & target) / len(target))
        gain = sum(1 / math.log2(rank + 1) for rank, item in enumerate(row[:k], 1) if item in target)
        ndcg.append(gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(target)) + 1)))
        at_hits = [precision(row, target, rank) for rank, item in enumerate(row[:k], 1) if item in target]
        average.append(sum(at_hits) / min(k, len(target)))
    assert metrics.recall(is_hit, counts, k) == pytest.approx(mean(recall))
    assert metrics.ndcg(is_hit, counts, k) == pytest.approx(mean(ndcg))
    assert metrics.average_precision(is_hit, counts, k) == pytest.approx(mean(average))


@given(user_lists, cutoffs)
def test_coverage_and_novelty_are_their_definitions(users: list[tuple[list[int], set[int]]], k: int) -> None:
    watchers = np.arange(ITEMS)
    shown = [item for row, _ in users for item in row[:k]]
    counts = np.bincount(np.array(shown, dtype=int), minlength=ITEMS)
    assert metrics.coverage(counts) == pytest.approx(len(set(shown)) / ITEMS)
    surprise = mean([-math.log2((item + 1) / 101) for item in shown]) if shown else 0.0
    assert metrics.novelty(counts, watchers, 100) == pytest.approx(surprise)


@given(st.sets(st.integers(0, ITEMS - 1), min_size=1), cutoffs)
def test_a_perfect_list_scores_one(target: set[int], k: int) -> None:
    ids = np.array([sorted(target)])
    is_hit = metrics.hits(ids, csr_matrix([[float(i in target) for i in range(ITEMS)]]))
    assert metrics.ndcg(is_hit, np.array([len(target)]), k) == pytest.approx(1)
    assert metrics.average_precision(is_hit, np.array([len(target)]), k) == pytest.approx(1)
