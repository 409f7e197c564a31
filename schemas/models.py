"""The models that nights train, from `models.yaml`: their training and promotion jobs, and their sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from schemas.contract import YAML_LOADER, ContractError
from schemas.made_from import DaysBack, read_made_from

_FILE = Path(__file__).with_name("models.yaml")


@dataclass(frozen=True)
class Model:
    """A registered model. Several kinds of models compete to serve under its name."""

    name: str
    """Its name in the registry, e.g. `recommender`."""
    trained_by: str
    """Module of the job that trains it, relative to `jobs`."""
    promoted_by: str | None
    """Module of the job that decides which version serves; None if the training job decides."""
    made_from: Mapping[str, DaysBack] = field(hash=False)
    """Source -> days of the data that it is trained and evaluated on, see `schemas.made_from`."""

    @property
    def stage(self) -> str:
        """The stage that trains it: the folder of the training job's module."""
        return self.trained_by.partition(".")[0]


@cache
def models() -> Mapping[str, Model]:
    """Return all models by name.

    Raises:
        ContractError: models.yaml is incomplete or invalid.
    """
    document = yaml.load(_FILE.read_text(encoding="utf-8"), YAML_LOADER)
    return {name: _model(name, declared) for name, declared in document.items()}


def _model(name: str, declared: Mapping[str, Any]) -> Model:
    try:
        made_from = read_made_from(declared.get("madeFrom"))
        return Model(name, declared["trainedBy"], declared.get("promotedBy"), made_from)
    except KeyError as error:
        raise ContractError(f"schemas/models.yaml: {name} lacks {error}") from error
    except ValueError as error:
        raise ContractError(f"schemas/models.yaml: {name}: {error}") from error
