"""Decides which recommender serves from this night on.

The night's candidates and the champion of earlier nights are evaluated on the night's views; none of them was fitted on data of
this night. The challenger is the candidate with the highest NDCG@20 and enough coverage. It is promoted if it beats the champion
on NDCG@20 and its coverage@20 is at least MIN_COVERAGE_RATIO of the champion's: a gain in accuracy must not come from showing the
same few videos to everybody.

A candidate of the champion's own kind is the champion fitted on more days. It is promoted unless it is worse by more than
REFIT_TOLERANCE; otherwise a good model would never be refreshed.

An operator can decide that the champion stays on a night, whatever the metrics are.

Without a champion, the best candidate of the night is promoted, or the first one of the registry if none can be evaluated. If no
candidate could be trained, the champion stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from jobs.platform import decisions, tracking
from jobs.platform.decisions import Decision
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.promotion import Verdict
from jobs.recommend import REGISTERED_MODEL, plots
from jobs.recommend.catalogue import load_columns, read_catalogue
from jobs.recommend.training_data import training_data
from models.recommend.metrics import COMPARED
from models.recommend.registry import RECOMMENDERS, load_recommender

MIN_COVERAGE_RATIO = 0.6
"""On KuaiRand the good models cover between 6 and 19 % of the videos, popularity 0.5 %."""
REFIT_TOLERANCE = 0.02
"""Late events change the NDCG@20 of a refitted model by less than this share."""

ACCURACY = "ndcg_at_20"
COVERAGE = "coverage_at_20"

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class JudgedVersion:
    """A model version with its metrics on the night; empty if it could not be evaluated."""

    version: str
    family: str
    metrics: Metrics


def verdict(
    candidates: Sequence[JudgedVersion], champion: JudgedVersion | None, stays: Decision | None = None
) -> Verdict:
    """Apply the rule of this module.

    Args:
        candidates: the night's models, at least one, in the order of the registry.
        champion: the current champion with its metrics on this night.
        stays: an operator's decision that the champion stays.
    """
    judged = sorted((c for c in candidates if ACCURACY in c.metrics), key=lambda c: -c.metrics[ACCURACY])
    if champion is None:
        if not judged:
            first = candidates[0]
            return Verdict(
                first.version, f"no model can be evaluated on this night; {first.version} serves until one can"
            )
        return Verdict(judged[0].version, f"there is no champion yet; {_metrics_text(judged[0])} is the best candidate")
    if stays is not None:
        return Verdict(None, f"{champion.version} stays, as {stays.who} decided: {stays.why}")
    if not judged or ACCURACY not in champion.metrics:
        return Verdict(None, f"no model can be evaluated on this night; {champion.version} stays")
    floor = MIN_COVERAGE_RATIO * champion.metrics[COVERAGE]
    wide = [c for c in judged if c.metrics[COVERAGE] >= floor]
    if not wide:
        return Verdict(None, f"{_metrics_text(champion)} stays; no candidate reaches a coverage of {floor:.4f}")
    best = wide[0]
    if best.metrics[ACCURACY] > champion.metrics[ACCURACY]:
        return Verdict(best.version, f"{_metrics_text(best)} beats {_metrics_text(champion)}")
    refit = next((c for c in wide if c.family == champion.family), None)
    if refit is not None and refit.metrics[ACCURACY] >= (1 - REFIT_TOLERANCE) * champion.metrics[ACCURACY]:
        return Verdict(refit.version, f"{_metrics_text(refit)} is {_metrics_text(champion)} fitted on more days")
    return Verdict(None, f"{_metrics_text(champion)} stays; {_metrics_text(best)} does not beat it")


def _metrics_text(judged: JudgedVersion) -> str:
    metrics = judged.metrics
    return f"{judged.version} (NDCG@20 {metrics[ACCURACY]:.4f}, coverage@20 {metrics[COVERAGE]:.4f})"


def promote(context: JobContext) -> Verdict:
    """Evaluate the champion on the night, decide which model is promoted, and record the decision.

    Raises:
        MissingInput: a model was not trained for the night, and there is no record that it could not be trained.
    """
    untrained = tracking.untrained(context.settings, "recommend", context.date)
    families = [family for family in RECOMMENDERS if family not in untrained]
    versions = tracking.candidates(context.settings, REGISTERED_MODEL, night=context.date, families=families)
    champion = tracking.champion(context.settings, REGISTERED_MODEL, before=context.date)
    params = {"min_coverage_ratio": MIN_COVERAGE_RATIO, "refit_tolerance": REFIT_TOLERANCE}
    with tracking.run(context, "recommend/promote", params) as run:
        candidates = [JudgedVersion(v.version, v.family, v.metrics) for v in versions]
        incumbent = _evaluate_champion(context, champion) if champion and candidates else None
        stays = decisions.find_decision(context, decisions.MODEL, REGISTERED_MODEL)
        if candidates:
            decision = verdict(candidates, incumbent, stays)
        else:
            decision = Verdict(None, tracking.no_candidate_reason(champion, untrained))
        compared = {j.version: dict(j.metrics) for j in (*candidates, *([incumbent] if incumbent else []))}
        run.log_dict(
            {
                **asdict(decision),
                "rule": __doc__,
                "champion": champion and champion.version,
                "not_trained": untrained,
                "metrics": compared,
            },
            "verdict.json",
        )
        run.log_metrics({"promoted": float(decision.promoted is not None)})
        run.log_figure(plots.comparison_plot(compared, COMPARED), "comparison.png")
        promoted = next((v for v in versions if v.version == decision.promoted), None)
        tracking.set_verdict(context.settings, REGISTERED_MODEL, night=context.date, promoted=promoted)
    return decision


def _evaluate_champion(context: JobContext, champion: tracking.ModelVersion) -> JudgedVersion:
    directory = tracking.download(context.settings, champion)
    with training_data(context, read_catalogue(context)) as data:
        evaluation = data.evaluate(load_recommender(directory), load_columns(directory))
    return JudgedVersion(champion.version, champion.family, evaluation.metrics if evaluation else {})


def main(argv: Sequence[str] | None = None) -> None:
    """Print the reason of the decision."""
    with run_job(argv, __doc__, trains=REGISTERED_MODEL) as context:
        print(promote(context).reason)


if __name__ == "__main__":
    main()
