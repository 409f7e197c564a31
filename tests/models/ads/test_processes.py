"""Several processes train one click model together."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch.distributed as dist

from models.ads import metrics
from models.ads.examples import Batch
from models.ads.registry import CLICK_MODELS, load_click_model
from models.ads.training import EpochLosses
from tests.models.ads.clicks import FIELDS, Clicks, clicks

TRAIN, HOLDOUT, JUDGED = clicks(6000, seed=1), clicks(2000, seed=2), clicks(4000, seed=3)
ALL = slice(None)


def fit(name: str, folder: Path, shares: Sequence[slice], rank: int) -> list[EpochLosses]:
    """Fit a model to this process's share of the rows, and save it in a folder of the process."""
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=len(shares))
    model = CLICK_MODELS[name](FIELDS).fit(_share(TRAIN, shares[rank]), [_share(HOLDOUT, shares[rank])])
    dist.destroy_process_group()
    saved = folder / str(rank)
    saved.mkdir()
    model.save(saved)
    return model.history


def _share(examples: Clicks, rows: slice) -> list[Batch]:
    return examples.batches(order=np.arange(len(examples.labels))[rows])


def fit_together(name: str, folder: Path, shares: Sequence[slice]) -> list[list[EpochLosses]]:
    with multiprocessing.get_context("spawn").Pool(len(shares)) as processes:
        return processes.map(partial(fit, name, folder, shares), range(len(shares)), chunksize=1)


@pytest.mark.parametrize("name", sorted(CLICK_MODELS))
def test_two_processes_with_the_same_examples_are_like_one(name: str, tmp_path: Path) -> None:
    alone = CLICK_MODELS[name](FIELDS).fit(TRAIN.batches(), [HOLDOUT.batches()])
    for history in fit_together(name, tmp_path, [ALL, ALL]):
        for together, single in zip(history, alone.history, strict=True):
            assert astuple(together) == pytest.approx(astuple(single), rel=1e-3)
    probabilities = load_click_model(tmp_path / "0").predict_proba(JUDGED.examples)
    np.testing.assert_allclose(probabilities, alone.predict_proba(JUDGED.examples), atol=0.01)


@pytest.mark.parametrize(
    "shares",
    [
        pytest.param([slice(0, None, 2), slice(1, None, 2)], id="halves"),
        pytest.param([slice(0, None, 3), slice(1, None, 3), slice(2, None, 3)], id="thirds"),
    ],
)
def test_processes_learn_from_the_examples_of_all(shares: list[slice], tmp_path: Path) -> None:
    alone = CLICK_MODELS["dcn_v2"](FIELDS).fit(TRAIN.batches(), [HOLDOUT.batches()])
    histories = fit_together("dcn_v2", tmp_path, shares)
    assert histories[0] == histories[1]
    for file in ("model.json", "weights.safetensors"):
        assert (tmp_path / "0" / file).read_bytes() == (tmp_path / "1" / file).read_bytes()
    loss, loss_alone = (
        metrics.log_loss(JUDGED.labels, model.predict_proba(JUDGED.examples))
        for model in (load_click_model(tmp_path / "0"), alone)
    )
    assert loss == pytest.approx(loss_alone, abs=0.005)
