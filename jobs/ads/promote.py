"""Decides which click model serves from this night on.

The challenger is the candidate with the lowest log-loss among the calibrated ones: expected / observed clicks on the night's
impressions is within `CALIBRATION_BAND`. It replaces the champion, which is evaluated on the same impressions, if its log-loss
is lower and its AUC is at most `AUC_TOLERANCE` lower. Bids depend on the expected click-through rate, so likelihood and
calibration come first; the AUC condition prevents a gain in likelihood from making the ranking worse.

An operator can decide that the champion stays on a night, whatever the metrics are. An operator can also decide that the night's
labels are complete: the click rate really changed, so candidates are compared although none is calibrated on the night.

Without a champion, the challenger is promoted. If no candidate is calibrated either, the one with the lowest log-loss is
promoted, since campaigns need some model, and the reason says so. If no candidate could be trained, the champion stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from jobs.ads import REGISTERED_MODEL, plots
from jobs.ads.judgement import judge
from jobs.ads.time_split import night_split
from jobs.platform import decisions, tracking
from jobs.platform.decisions import Decision
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.promotion import Verdict
from models.ads.metrics import COMPARED
from models.ads.registry import CLICK_MODELS, load_click_model

CALIBRATION_BAND = (0.9, 1.1)
AUC_TOLERANCE = 0.002

Metrics = Mapping[str, float]


def verdict(
    candidates: Mapping[str, Metrics],
    champion: tuple[str, Metrics] | None,
    *,
    stays: Decision | None = None,
    labels: Decision | None = None,
) -> Verdict:
    """Apply the rule of this module.

    Args:
        candidates: metrics on the night's impressions (`log_loss`, `auc`, `calibration`) by version; at least one.
        champion: version and the same metrics on the same impressions.
        stays: an operator's decision that the champion stays.
        labels: an operator's decision that the night's labels are complete.
    """
    low, high = CALIBRATION_BAND
    calibrated = {
        version: metrics for version, metrics in candidates.items() if low <= metrics.get("calibration", 0.0) <= high
    }
    best = min(calibrated or candidates, key=lambda version: (candidates[version]["log_loss"], version))
    new = candidates[best]
    if champion is None:
        state = (
            "is calibrated" if calibrated else f"is outside the calibration band {low} to {high} like all candidates"
        )
        return Verdict(
            best, f"there is no champion yet; {best} has the lowest log-loss, {new['log_loss']:.5f}, and {state}"
        )
    version, old = champion
    if stays is not None:
        return Verdict(None, f"{version} stays, as {stays.who} decided: {stays.why}")
    if not calibrated and labels is None:
        return Verdict(None, f"no candidate's calibration is within {low} to {high}; {version} stays")
    losses = f"log-loss {new['log_loss']:.5f} against {old['log_loss']:.5f}"
    areas = f"AUC {new.get('auc', 0.0):.5f} against {old.get('auc', 0.0):.5f}"
    wins = new["log_loss"] < old["log_loss"] and new.get("auc", 0.0) >= old.get("auc", 0.0) - AUC_TOLERANCE
    note = "" if calibrated or labels is None else f"; {labels}"
    if wins:
        calibration = f"calibration {new.get('calibration', 0.0):.4f}"
        return Verdict(best, f"{best} replaces {version}: {losses}, {areas}, {calibration}{note}")
    return Verdict(None, f"{version} stays, {best} does not beat it: {losses}, {areas}{note}")


def promote(context: JobContext) -> Verdict:
    """Evaluate the champion on the night's impressions, decide which model is promoted, and record the decision.

    Raises:
        MissingInput: a model was not trained for the night, and there is no record that it could not be trained.
    """
    untrained = tracking.untrained(context.settings, "ads", context.date)
    families = sorted(CLICK_MODELS.keys() - untrained.keys())
    versions = tracking.candidates(context.settings, REGISTERED_MODEL, night=context.date, families=families)
    champion = tracking.champion(context.settings, REGISTERED_MODEL, before=context.date)
    params = {"calibration_band": CALIBRATION_BAND, "auc_tolerance": AUC_TOLERANCE}
    with tracking.run(context, "ads/promote", params) as run:
        metrics: dict[str, Metrics] = {version.version: version.metrics for version in versions}
        incumbent = None
        if champion is not None and versions:
            model = load_click_model(tracking.download(context.settings, champion))
            incumbent = champion.version, judge(model, night_split(context).judged).metrics()
        stays = decisions.find_decision(context, decisions.MODEL, REGISTERED_MODEL)
        labels = decisions.find_decision(context, decisions.LABELS, REGISTERED_MODEL)
        if versions:
            decision = verdict(metrics, incumbent, stays=stays, labels=labels)
        else:
            decision = Verdict(None, tracking.no_candidate_reason(champion, untrained))
        compared = metrics | (dict([incumbent]) if incumbent else {})
        run.log_dict(
            {
                **asdict(decision),
                "rule": __doc__,
                "champion": champion and champion.version,
                "not_trained": untrained,
                "metrics": {version: dict(values) for version, values in compared.items()},
            },
            "verdict.json",
        )
        run.log_metrics({"promoted": float(decision.promoted is not None)})
        run.log_figure(plots.comparison_plot(compared, COMPARED), "comparison.png")
        promoted = next((version for version in versions if version.version == decision.promoted), None)
        tracking.set_verdict(context.settings, REGISTERED_MODEL, night=context.date, promoted=promoted)
    return decision


def main(argv: Sequence[str] | None = None) -> None:
    """Print the reason of the decision."""
    with run_job(argv, __doc__, trains=REGISTERED_MODEL) as context:
        print(promote(context).reason)


if __name__ == "__main__":
    main()
