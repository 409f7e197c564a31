"""Click rates as baselines."""

from collections import defaultdict

import numpy as np
import pytest

from models.ads.baselines import ClickRate
from tests.models.ads.clicks import clicks

DATA = clicks(800, seed=0)


def test_without_a_field_every_row_gets_the_overall_rate() -> None:
    rates = ClickRate().fit(DATA.batches(100)).predict_proba(DATA.examples)
    np.testing.assert_allclose(rates, np.full(800, DATA.labels.mean()))


def test_each_value_has_its_own_rate_smoothed_towards_the_overall_one() -> None:
    by_item = defaultdict(list)
    for item, label in zip(DATA.examples.categorical["item"].tolist(), DATA.labels.tolist(), strict=True):
        by_item[item].append(label)
    prior = 10 * DATA.labels.mean()
    expected = {item: (sum(labels) + prior) / (len(labels) + 10) for item, labels in by_item.items()}
    model = ClickRate("item", prior=10).fit(DATA.batches(100))
    rates = model.predict_proba(DATA.examples)
    assert rates == pytest.approx([expected[item] for item in DATA.examples.categorical["item"].tolist()])


def test_an_unseen_value_has_the_overall_rate() -> None:
    model = ClickRate("place").fit(DATA.batches())
    unseen = clicks(3, seed=1).examples
    unseen.categorical["place"][:] = "p9"
    assert model.predict_proba(unseen) == pytest.approx([DATA.labels.mean()] * 3)


def test_rejects_data_without_rows() -> None:
    with pytest.raises(ValueError, match="no example"):
        ClickRate().fit([])
