"""Decides which click model serves from this night on.

The challenger is the night's candidate with the lowest log-loss among those that are calibrated: expected over observed clicks
within `CALIBRATION_BAND` on the night's impressions. It replaces the champion of earlier nights, judged again on the very
same impressions, if its log-loss is lower and its AUC is no more than `AUC_TOLERANCE` below. Bids are paid by expected
click-through, so likelihood and calibration come first; AUC guards against a gain in likelihood that costs the ranking.

A person can decide that the champion stays on a night, whatever its candidates are worth; or that the night's labels are all
there are, so that candidates are compared though none of them is calibrated on it: its clicks have really changed.

Where there is no champion yet, the challenger serves; if no candidate is calibrated either, the one with the lowest
log-loss does, since campaigns have to be aimed by something, and the verdict says so. On a night that could train no
candidate the champion stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from jobs.ads import REGISTERED_MODEL, plots
from jobs.ads.judgement import judge
from jobs.ads.time_split import split_of
from jobs.platform import decisions, tracking
from jobs.platform.decisions import Decision
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from models.ads.metrics import COMPARED
from models.ads.registry import CLICK_MODELS, load_click_model

CALIBRATION_BAND = (0.9, 1.1)
AUC_TOLERANCE = 0.002

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """Who serves, and why.

    Attributes:
        promoted: version of the candidate that goes live, or None.
        reason: one sentence with the numbers that decided.
    """

    promoted: str | None
    reason: str


def verdict(
    candidates: Mapping[str, Metrics],
    champion: tuple[str, Metrics] | None,
    *,
    stays: Decision | None = None,
    labels: Decision | None = None,
) -> Verdict:
    """Applies the rule of this module.

    Args:
        candidates: by version, `log_loss`, `auc` and `calibration` on the night's impressions; at least one.
        champion: version and the same metrics on the same impressions.
        stays: that the champion does, if somebody decided so.
        labels: that the night's labels are all there are, if somebody decided so.
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
    said = "" if calibrated or labels is None else f"; {labels}"
    if wins:
        calibration = f"calibration {new.get('calibration', 0.0):.4f}"
        return Verdict(best, f"{best} replaces {version}: {losses}, {areas}, {calibration}{said}")
    return Verdict(None, f"{version} stays, {best} does not beat it: {losses}, {areas}{said}")


def promote(context: JobContext) -> Verdict:
    """Judges the champion on the night's impressions, gives the verdict and records it.

    Raises:
        MissingInput: a model was not trained for the night, and its training does not say that it cannot be.
    """
    untrained = tracking.untrained(context.settings, "ads", context.date)
    families = sorted(CLICK_MODELS.keys() - untrained.keys())
    versions = tracking.candidates(context.settings, REGISTERED_MODEL, night=context.date, families=families)
    champion = tracking.champion(context.settings, REGISTERED_MODEL, before=context.date)
    params = {"calibration_band": CALIBRATION_BAND, "auc_tolerance": AUC_TOLERANCE}
    with tracking.run(context, "ads/promote", params) as run:
        metrics: dict[str, Metrics] = {version.version: version.metrics for version in versions}
        again = None
        if champion is not None and versions:
            model = load_click_model(tracking.download(context.settings, champion))
            again = champion.version, judge(model, split_of(context).judged).metrics()
        stays = decisions.find_decision(context, decisions.MODEL, REGISTERED_MODEL)
        labels = decisions.find_decision(context, decisions.LABELS, REGISTERED_MODEL)
        if versions:
            decided = verdict(metrics, again, stays=stays, labels=labels)
        else:
            decided = Verdict(None, tracking.no_candidate_reason(champion, untrained))
        compared = metrics | (dict([again]) if again else {})
        run.log_dict(
            {
                **asdict(decided),
                "rule": __doc__,
                "champion": champion and champion.version,
                "not_trained": untrained,
                "metrics": {version: dict(values) for version, values in compared.items()},
            },
            "verdict.json",
        )
        run.log_metrics({"promoted": float(decided.promoted is not None)})
        run.log_figure(plots.comparison_plot(compared, COMPARED), "comparison.png")
        live = next((version for version in versions if version.version == decided.promoted), None)
        tracking.set_verdict(context.settings, REGISTERED_MODEL, night=context.date, promoted=live)
    return decided


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the verdict in words."""
    with run_job(argv, __doc__, trains=REGISTERED_MODEL) as context:
        print(promote(context).reason)


if __name__ == "__main__":
    main()
