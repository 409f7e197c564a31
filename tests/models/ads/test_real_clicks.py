"""Click models on real ad impressions."""

import datetime as dt
from itertools import chain
from pathlib import Path

import pytest

from models.ads.baselines import ClickRate
from models.ads.metrics import click_metrics
from models.ads.registry import CLICK_MODELS
from tests.benchmarks.ad_impressions import FIELDS, ITEM, ad_impressions


@pytest.mark.parametrize("name", sorted(CLICK_MODELS))
@pytest.mark.parametrize("day", [dt.date(2017, 7, 4), dt.date(2017, 7, 5)])
def test_beats_click_rates_on_the_last_days_of_real_ads(name: str, day: dt.date, shared_data: Path) -> None:
    data = ad_impressions(shared_data, day)
    examples, labels = data.judged
    model = CLICK_MODELS[name](FIELDS).fit(data.train, data.holdout)
    own = click_metrics(labels, model.predict_proba(examples), data.judged_users)
    for field in (None, ITEM):
        rates = ClickRate(field).fit(chain(data.train, *data.holdout)).predict_proba(examples)
        baseline = click_metrics(labels, rates, data.judged_users)
        assert own["auc"] > baseline["auc"]
        assert own["log_loss"] < baseline["log_loss"]
