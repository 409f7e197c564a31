"""Decides which recommender serves from this night on.

The night's models are compared on the night itself, and so is the champion of earlier nights, as it was published then: every
one was fitted on nothing of this night. The challenger is the model with the highest NDCG@20 that keeps enough coverage, and it
goes live if it beats the champion on NDCG@20 while its coverage@20 is at least MIN_COVERAGE_RATIO of the champion's: a gain
in accuracy must not come from showing everybody the same few videos.

A challenger of the champion's own kind is the champion with more days to learn from, so what was judged of it is all but the
champion itself. It goes live unless it is worse by more than REFIT_TOLERANCE; otherwise a good model would never be refreshed.

A person can decide that the champion stays on a night, whatever its candidates are worth.

Where there is no champion yet, the night's best serves; where nothing can be judged either, the registry's first does. On a night
that could train no candidate the champion stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from jobs.platform import decisions, tracking
from jobs.platform.decisions import Decision
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.recommend import REGISTERED_MODEL, plots
from jobs.recommend.catalogue import catalogue, load_columns
from jobs.recommend.interactions import interactions
from models.recommend.evaluation import evaluate
from models.recommend.metrics import COMPARED
from models.recommend.registry import RECOMMENDERS, load_recommender

MIN_COVERAGE_RATIO = 0.6
"""On KuaiRand the good models cover between 6 and 19 % of the videos, popularity 0.5 %."""
REFIT_TOLERANCE = 0.02
"""Events that arrived late move a refitted model's NDCG@20 by less than this share."""

ACCURACY = "ndcg_at_20"
COVERAGE = "coverage_at_20"

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """A version and how it did on the night; without metrics where the night could not judge it."""

    version: str
    family: str
    metrics: Metrics


@dataclass(frozen=True)
class Verdict:
    """Who serves, and why.

    Attributes:
        promoted: version of the candidate that goes live, or None.
        reason: one sentence with the numbers that decided.
    """

    promoted: str | None
    reason: str


def verdict(candidates: Sequence[Judged], champion: Judged | None, stays: Decision | None = None) -> Verdict:
    """Apply the rule of this module.

    Args:
        candidates: the night's models, at least one, in the registry's order.
        champion: who served until now, judged on this night.
        stays: that the champion does, if somebody decided so.
    """
    judged = sorted((c for c in candidates if ACCURACY in c.metrics), key=lambda c: -c.metrics[ACCURACY])
    if champion is None:
        if not judged:
            first = candidates[0]
            return Verdict(first.version, f"nothing can be judged on this night; {first.version} serves until then")
        return Verdict(judged[0].version, f"there is no champion yet; {_figures(judged[0])} is the night's best")
    if stays is not None:
        return Verdict(None, f"{champion.version} stays, as {stays.who} decided: {stays.why}")
    if not judged or ACCURACY not in champion.metrics:
        return Verdict(None, f"nothing can be judged on this night; {champion.version} stays")
    floor = MIN_COVERAGE_RATIO * champion.metrics[COVERAGE]
    wide = [c for c in judged if c.metrics[COVERAGE] >= floor]
    if not wide:
        return Verdict(None, f"{_figures(champion)} stays; no candidate reaches {floor:.4f} of coverage")
    best = wide[0]
    if best.metrics[ACCURACY] > champion.metrics[ACCURACY]:
        return Verdict(best.version, f"{_figures(best)} beats {_figures(champion)}")
    refit = next((c for c in wide if c.family == champion.family), None)
    if refit is not None and refit.metrics[ACCURACY] >= (1 - REFIT_TOLERANCE) * champion.metrics[ACCURACY]:
        return Verdict(refit.version, f"{_figures(refit)} is {_figures(champion)} with more days to learn from")
    return Verdict(None, f"{_figures(champion)} stays; {_figures(best)} does not beat it")


def _figures(judged: Judged) -> str:
    metrics = judged.metrics
    return f"{judged.version} (NDCG@20 {metrics[ACCURACY]:.4f}, coverage@20 {metrics[COVERAGE]:.4f})"


def promote(context: JobContext) -> Verdict:
    """Judge the champion on the night, give the verdict and record it.

    Raises:
        MissingInput: a model was not trained for the night, and its training does not say that it cannot be.
    """
    untrained = tracking.untrained(context.settings, "recommend", context.date)
    families = [family for family in RECOMMENDERS if family not in untrained]
    versions = tracking.candidates(context.settings, REGISTERED_MODEL, night=context.date, families=families)
    champion = tracking.champion(context.settings, REGISTERED_MODEL, before=context.date)
    params = {"min_coverage_ratio": MIN_COVERAGE_RATIO, "refit_tolerance": REFIT_TOLERANCE}
    with tracking.run(context, "recommend/promote", params) as run:
        candidates = [Judged(v.version, v.family, v.metrics) for v in versions]
        incumbent = _judged_again(context, champion) if champion and candidates else None
        stays = decisions.find_decision(context, decisions.MODEL, REGISTERED_MODEL)
        if candidates:
            decided = verdict(candidates, incumbent, stays)
        else:
            decided = Verdict(None, tracking.no_candidate_reason(champion, untrained))
        compared = {j.version: dict(j.metrics) for j in (*candidates, *([incumbent] if incumbent else []))}
        run.log_dict(
            {
                **asdict(decided),
                "rule": __doc__,
                "champion": champion and champion.version,
                "not_trained": untrained,
                "metrics": compared,
            },
            "verdict.json",
        )
        run.log_metrics({"promoted": float(decided.promoted is not None)})
        run.log_figure(plots.comparison_plot(compared, COMPARED), "comparison.png")
        live = next((v for v in versions if v.version == decided.promoted), None)
        tracking.set_verdict(context.settings, REGISTERED_MODEL, night=context.date, promoted=live)
    return decided


def _judged_again(context: JobContext, champion: tracking.ModelVersion) -> Judged:
    directory = tracking.download(context.settings, champion)
    video_ids = catalogue(context).video_ids
    known = interactions(context, video_ids)
    if known.targets.nnz == 0:
        return Judged(champion.version, champion.family, {})
    own_ids = load_columns(directory)
    at = np.minimum(np.searchsorted(video_ids, own_ids), len(video_ids) - 1)
    columns = np.where(video_ids[at] == own_ids, at, -1)
    model = load_recommender(directory)
    judged = evaluate(model, known.before.strength, known.before.watched, known.targets, columns)
    return Judged(champion.version, champion.family, judged.metrics)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the verdict in words."""
    with run_job(argv, __doc__, trains=REGISTERED_MODEL) as context:
        print(promote(context).reason)


if __name__ == "__main__":
    main()
