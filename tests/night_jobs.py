"""The jobs of the DAG `nightly` in a possible order: module below `jobs`, and arguments without `--date`."""

from collections.abc import Iterable, Iterator, Mapping

from models.ads.registry import CLICK_MODELS
from models.recommend.registry import RECOMMENDERS
from schemas.contract import load_contract
from schemas.dependencies import topological_order
from schemas.made_from import MODELS
from schemas.models import models

_KINDS: Mapping[str, Iterable[str]] = {"recommender": RECOMMENDERS, "click_model": CLICK_MODELS}
_NOT_NIGHTLY = ("backfill", "corpus", "video")


def _night_jobs() -> Iterator[tuple[str, ...]]:
    yield ("ingest.land",)
    for name in topological_order():
        if not name.startswith(MODELS):
            if load_contract(name).stage not in _NOT_NIGHTLY:
                yield (load_contract(name).made_by,)
        elif kinds := _KINDS.get(name.removeprefix(MODELS)):
            model = models()[name.removeprefix(MODELS)]
            yield from ((model.trained_by, "--model", kind) for kind in kinds)
            if model.promoted_by:
                yield (model.promoted_by,)
    yield ("report.report",)


NIGHT_JOBS = tuple(_night_jobs())
