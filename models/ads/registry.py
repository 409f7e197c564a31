"""Click models by name."""

from pathlib import Path

from models.ads.click_model import ClickModel, read_state
from models.ads.dcn_v2 import DCNV2
from models.ads.logistic_regression import LogisticRegression

CLICK_MODELS: dict[str, type[ClickModel]] = {model.name: model for model in (LogisticRegression, DCNV2)}


def load_click_model(directory: Path) -> ClickModel:
    """Whichever click model was saved there.

    Raises:
        ValueError: there is none, or one that this version does not know.
    """
    name = read_state(directory)["model"]
    if name not in CLICK_MODELS:
        raise ValueError(f"{directory} holds a click model of unknown kind {name!r}")
    return CLICK_MODELS[name].load(directory)
