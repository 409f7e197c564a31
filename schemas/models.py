"""The models that nights train, from `models.yaml`: which jobs train and promote each, and what it is made from."""

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
    """A registered model: the place that several kinds of models compete for."""

    name: str
    """Its name in the registry, e.g. `recommender`."""
    trained_by: str
    """Module of the job that trains it, below `jobs`."""
    promoted_by: str | None
    """Module of the job that decides which version serves; None where training does."""
    made_from: Mapping[str, DaysBack] = field(hash=False)
    """Sources that it is trained and judged on, with the days of each: see `schemas.made_from`."""

    @property
    def stage(self) -> str:
        """The stage of a night that trains it: the folder of the job's module."""
        return self.trained_by.partition(".")[0]


@cache
def models() -> Mapping[str, Model]:
    """All models by name.

    Raises:
        ContractError: models.yaml does not say what it should.
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
