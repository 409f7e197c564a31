"""Click models by name."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import Registry

if TYPE_CHECKING:
    from models.ads.click_model import ClickModel

CLICK_MODELS: "Registry[ClickModel]" = Registry(
    {
        "logistic_regression": "models.ads.logistic_regression:LogisticRegression",
        "dcn_v2": "models.ads.dcn_v2:DCNV2",
    }
)


def load_click_model(directory: Path) -> "ClickModel":
    """Load a click model of any kind from a directory.

    Raises:
        ValueError: the directory contains no complete click model, or one of an unknown kind.
    """
    from models.ads.click_model import read_state  # imports torch, which listing the names does not need

    name = read_state(directory)["model"]
    if name not in CLICK_MODELS:
        raise ValueError(f"{directory} contains a click model of unknown kind {name!r}")
    return CLICK_MODELS[name].load(directory)
