"""Tests that every registered click model has to pass."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from models.ads import metrics
from models.ads.baselines import ClickRate
from models.ads.click_model import ClickModel
from models.ads.dcn_v2 import DCNV2
from models.ads.examples import Examples, Ragged
from models.ads.logistic_regression import LogisticRegression
from models.ads.registry import CLICK_MODELS, load_click_model
from tests.models.ads.clicks import FIELDS, Clicks, clicks, take

TRAIN, HOLDOUT, JUDGED = clicks(6000, seed=1), clicks(2000, seed=2), clicks(4000, seed=3)
HOLDOUT_DAYS = [HOLDOUT.batches(order=np.arange(first, first + 500)) for first in range(0, 2000, 500)]
USERS = np.random.default_rng(4).integers(300, size=4000)


@pytest.fixture(params=sorted(CLICK_MODELS))
def model(request: pytest.FixtureRequest) -> ClickModel:
    return _fitted(request.param)


@cache
def _fitted(name: str) -> ClickModel:
    return CLICK_MODELS[name](FIELDS).fit(TRAIN.batches(), HOLDOUT_DAYS)


def test_beats_the_baselines(model: ClickModel) -> None:
    own = metrics.click_metrics(JUDGED.labels, model.predict_proba(JUDGED.examples), USERS)
    for field in (None, "item"):
        rates = ClickRate(field).fit(TRAIN.batches()).predict_proba(JUDGED.examples)
        baseline = metrics.click_metrics(JUDGED.labels, rates, USERS)
        assert own["log_loss"] < baseline["log_loss"] - 0.01
        assert own["auc"] > baseline["auc"] + 0.03
        assert own["gauc"] > baseline["gauc"] + 0.03


def test_is_calibrated_on_later_examples(model: ClickModel) -> None:
    probabilities = model.predict_proba(JUDGED.examples)
    assert metrics.calibration(JUDGED.labels, probabilities) == pytest.approx(1, abs=0.06)
    assert metrics.expected_calibration_error(JUDGED.labels, probabilities) < 0.03


def test_predicts_one_probability_between_zero_and_one_for_each_row(model: ClickModel) -> None:
    probabilities = model.predict_proba(JUDGED.examples)
    assert probabilities.shape == JUDGED.labels.shape
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_a_prediction_does_not_depend_on_the_other_rows(model: ClickModel) -> None:
    alone = [model.predict_proba(take(JUDGED.examples, np.array([row])))[0] for row in range(5)]
    np.testing.assert_allclose(alone, model.predict_proba(JUDGED.examples)[:5], rtol=1e-12)


def test_no_rows_give_no_probabilities(model: ClickModel) -> None:
    no_values = np.array([], dtype=np.str_)
    empty = Examples(
        {name: np.array([]) for name in FIELDS.numeric},
        dict.fromkeys(FIELDS.categorical, no_values),
        {"tags": Ragged(no_values, np.array([0]))},
    )
    assert model.predict_proba(empty).shape == (0,)


def test_unseen_and_missing_values_are_predicted(model: ClickModel) -> None:
    unseen = Examples(
        {"price": np.array([np.nan, 1e300]), "visits": np.array([np.nan, -1e9])},
        {"item": np.array(["", "never seen"]), "place": np.array(["", "nowhere"])},
        {"tags": Ragged(np.array(["new"]), np.array([0, 0, 1]))},
    )
    assert np.isfinite(model.predict_proba(unseen)).all()


def test_loading_gives_the_same_predictions(model: ClickModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = load_click_model(tmp_path)
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    np.testing.assert_array_equal(loaded.predict_proba(JUDGED.examples), model.predict_proba(JUDGED.examples))


def test_saved_files_are_safetensors_and_json(model: ClickModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["model"] == model.name  # NaN and Infinity are not valid JSON


def test_training_again_gives_the_same_bytes_for_any_order_of_rows(model: ClickModel, tmp_path: Path) -> None:
    order = np.random.default_rng(5).permutation(len(TRAIN.labels))
    again = CLICK_MODELS[model.name](FIELDS).fit(TRAIN.batches(333, order), HOLDOUT_DAYS)
    for name, fitted in (("one", model), ("two", again)):
        (tmp_path / name).mkdir()
        fitted.save(tmp_path / name)
    for file in ("model.json", "weights.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_training_does_not_change_the_global_random_state(model: ClickModel) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    CLICK_MODELS[model.name](FIELDS).fit(JUDGED.batches(), HOLDOUT_DAYS)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_stops_when_the_holdout_loss_no_longer_decreases(model: ClickModel) -> None:
    losses = [epoch.holdout_log_loss for epoch in model.history]
    patience = model.config.training.patience
    assert len(losses) == model.config.training.epochs or min(losses[-patience:]) >= min(losses)
    assert losses[0] > min(losses)


@pytest.mark.parametrize("name", sorted(CLICK_MODELS))
def test_an_unfitted_model_raises(name: str, tmp_path: Path) -> None:
    unfitted = CLICK_MODELS[name](FIELDS)
    with pytest.raises(RuntimeError, match=f"{name} is not fitted"):
        unfitted.predict_proba(JUDGED.examples)
    with pytest.raises(RuntimeError, match=f"{name} is not fitted"):
        unfitted.save(tmp_path)


@pytest.mark.parametrize("name", sorted(CLICK_MODELS))
def test_rejects_data_that_it_cannot_be_fitted_on(name: str) -> None:
    one_class = Clicks(HOLDOUT.examples, np.zeros_like(HOLDOUT.labels), HOLDOUT.probability)
    with pytest.raises(ValueError, match="no examples"):
        CLICK_MODELS[name](FIELDS).fit([], HOLDOUT_DAYS)
    with pytest.raises(ValueError, match="no examples"):
        CLICK_MODELS[name](FIELDS).fit(HOLDOUT.batches(), [[]])
    with pytest.raises(ValueError, match="all 2000 holdout examples have label 0"):
        CLICK_MODELS[name](FIELDS).fit(HOLDOUT.batches(), [one_class.batches()])


def test_rejects_a_directory_with_another_kind_of_model(model: ClickModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    other = DCNV2 if isinstance(model, LogisticRegression) else LogisticRegression
    with pytest.raises(ValueError, match=f"contains a {model.name}"):
        other.load(tmp_path)


def test_crosses_learn_an_interaction_that_a_linear_model_cannot() -> None:
    """The sign of an item's effect depends on the place."""
    losses = {
        name: metrics.log_loss(JUDGED.labels, _fitted(name).predict_proba(JUDGED.examples)) for name in CLICK_MODELS
    }
    best = metrics.log_loss(JUDGED.labels, JUDGED.probability)
    assert losses["dcn_v2"] - best < 0.6 * (losses["logistic_regression"] - best)


def test_loads_models_saved_with_the_old_names_of_hyperparameters(tmp_path: Path) -> None:
    model = _fitted("dcn_v2")
    model.save(tmp_path)
    state = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    state["config"]["hidden"] = state["config"].pop("hidden_sizes")
    training = state["config"]["training"]
    old_names = {
        "epochs": "rounds",
        "examples_per_epoch": "round_examples",
        "regularization": "weight_decay",
        "embedding_regularization": "embedding_decay",
        "seed": "rng",
    }
    state["config"]["training"] = {old_names.get(name, name): value for name, value in training.items()}
    (tmp_path / "model.json").write_text(json.dumps(state), encoding="utf-8")
    assert load_click_model(tmp_path).config == model.config
