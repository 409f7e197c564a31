"""Decides which of several generators serves from this night on. With one generator there is nothing to decide.

Every night each challenger makes a share of the videos (`jobs.video.plan`). It is promoted if

* it is not worse than the champion by more than JUDGE_TOLERANCE in `top_1_held_out`, the share of prompts with new combinations
  whose clip the automatic judge finds the best; and
* viewers watch its videos to the end more often: the interval of the difference of long-view rates is above zero.

The rates are those of the videos that were requested on nights when both made some, in the last 28 nights of viewing. A generator
makes whole videos, so a video is the unit: rates are ratios of sums over videos, and their variance is that of their linearized
residuals (Cochran, "Sampling Techniques", 1977, § 6.4). The interval is looked at every night, and holds for all nights at once:
it inverts the mixture sequential probability ratio test (Robbins, 1970; Johari, Pekelis and Walsh, "Always Valid Inference",
2015), with level LEVEL / number of challengers.

If there is no champion, or it is not named any more, the first generator named is promoted; if the champion was trained anew, it
stays with its new weights. An operator can decide that the champion stays on a night.
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from jobs.platform import decisions
from jobs.platform.decisions import Decision
from jobs.platform.errors import MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.promotion import Verdict
from jobs.video.generators import REGISTERED_MODEL, kind_of, named, project_generator
from schemas.models import models

if TYPE_CHECKING:
    from jobs.platform.tracking import ModelVersion

JUDGED_BY = "top_1_held_out"
JUDGE_TOLERANCE = 0.1
"""The judge sees 42 clips: with 90 % this is two standard errors."""
LEVEL = 0.05
"""Probability that any night ever promotes a challenger that viewers like as much as the champion."""
FEWEST_VIDEOS = 8
"""Of each arm, without which the variance is not known well enough."""
EXPECTED_DIFFERENCE = 0.05
"""Difference of long-view rates that is found the soonest."""

_FEEDBACK = "gold.video_feedback"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watched:
    """What viewers did with the videos of a generator: arrays of one length, one element for each video."""

    impressions: NDArray[np.int64]
    long_views: NDArray[np.int64]

    @property
    def rate(self) -> float:
        """Long views divided by impressions."""
        return float(self.long_views.sum() / self.impressions.sum())

    @property
    def variance(self) -> float:
        """Variance of the rate, over videos."""
        residuals = self.long_views - self.rate * self.impressions
        videos = len(residuals)
        return float(videos / (videos - 1) * (residuals**2).sum() / self.impressions.sum() ** 2)


@dataclass(frozen=True)
class Candidate:
    """A generator that is named, as it was last trained.

    Attributes:
        version: its version in the registry.
        judged: its metric JUDGED_BY.
    """

    version: str
    judged: float


@dataclass(frozen=True)
class Comparison:
    """A challenger against the champion: the difference of long-view rates, and an interval that holds for all nights at once."""

    videos: int
    champion_rate: float
    rate: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"long-view rate {self.rate:.1%} of {self.videos} videos against {self.champion_rate:.1%}, difference "
            f"{100 * self.low:+.1f} to {100 * self.high:+.1f} points"
        )


def compare(champion: Watched, challenger: Watched, level: float) -> Comparison | None:
    """Compare the long-view rates of two generators; None if there are too few videos."""
    if min(len(arm.impressions) for arm in (champion, challenger)) < FEWEST_VIDEOS:
        return None
    difference = challenger.rate - champion.rate
    # At least the variance of one event more and one less, so that rates of 0 and 1 have an interval too.
    variance = sum(max(arm.variance, 1.0 / arm.impressions.sum() ** 2) for arm in (champion, challenger))
    prior = EXPECTED_DIFFERENCE**2
    ratio = (variance + prior) / variance
    width = (2 * variance * (variance + prior) / prior * np.log(ratio**0.5 / level)) ** 0.5
    return Comparison(
        len(challenger.impressions),
        champion.rate,
        challenger.rate,
        float(difference - width),
        float(difference + width),
    )


def verdict(
    champion: Candidate,
    challengers: Sequence[Candidate],
    compared: Mapping[str, Comparison | None],
    stays: Decision | None = None,
) -> Verdict:
    """Apply the rule of this module to a champion and its challengers.

    Args:
        champion: the generator that has served.
        challengers: the others.
        compared: version of each challenger -> its comparison with the champion.
        stays: an operator's decision that the champion stays.
    """
    if stays is not None:
        return Verdict(None, f"{champion.version} stays, as {stays.who} decided: {stays.why}")
    better = [(c, found) for c in challengers if (found := compared[c.version]) is not None and found.low > 0]
    good = [(c, found) for c, found in better if c.judged >= champion.judged - JUDGE_TOLERANCE]
    if good:
        best, found = max(good, key=lambda pair: pair[1].rate - pair[1].champion_rate)
        return Verdict(best.version, f"{best.version} beats {champion.version}: {found}")
    if better:
        worse, _ = better[0]
        return Verdict(
            None,
            f"{champion.version} stays: viewers prefer {worse.version}, but the judge finds {worse.judged:.2f} of its clips "
            f"right, and {champion.judged:.2f} of the champion's",
        )
    why = "; ".join(f"{c.version}: {compared[c.version] or 'too few videos were watched'}" for c in challengers)
    return Verdict(None, f"{champion.version} stays; {why}")


def promote(context: JobContext) -> Verdict:
    """Decide about the generators that are named, and record the decision.

    Raises:
        MissingInput: one of them was not trained.
    """
    from jobs.platform import tracking  # MLflow takes seconds to import, and one generator alone does not need it

    settings = context.settings
    untrained = [generator for name in named(settings) if (generator := project_generator(context, name)) is not None]
    versions = [tracking.newest(settings, REGISTERED_MODEL, generator.family) for generator in untrained]
    if missing := [g.name for g, version in zip(untrained, versions, strict=True) if version is None]:
        hint = f"run python -m jobs.video.train_generator --date {context.date} first"
        raise MissingInput(f"the trained video generators {', '.join(missing)}", hint=hint)
    trained = {version.version: version for version in versions if version is not None}
    serving = tracking.champion(settings, REGISTERED_MODEL, before=context.date)
    stays = decisions.find_decision(context, decisions.MODEL, REGISTERED_MODEL)
    params = {"judge_tolerance": JUDGE_TOLERANCE, "level": LEVEL, "fewest_videos": FEWEST_VIDEOS}
    with tracking.run(context, "video/promote", params) as run:
        compared: dict[str, Comparison | None] = {}
        if serving is None or serving.version not in trained:
            decision = _without_champion(serving, list(trained.values()))
        else:
            challengers = [version for version in trained.values() if version.version != serving.version]
            watched = _watched(context)
            for challenger in challengers:
                arms = _on_the_same_nights(watched, serving.model, challenger.model)
                compared[challenger.version] = compare(*arms, LEVEL / len(challengers)) if arms else None
            judged = {name: Candidate(name, version.metrics.get(JUDGED_BY, 0.0)) for name, version in trained.items()}
            others = [judged[version.version] for version in challengers]
            decision = verdict(judged[serving.version], others, compared, stays)
        run.log_dict(
            {
                **asdict(decision),
                "rule": __doc__,
                "champion": serving and serving.version,
                "compared": {version: found and asdict(found) for version, found in compared.items()},
                "judged": {name: version.metrics.get(JUDGED_BY) for name, version in trained.items()},
            },
            "verdict.json",
        )
        run.log_metrics({"promoted": float(decision.promoted is not None)})
        promoted = trained[decision.promoted] if decision.promoted else None
        tracking.set_verdict(settings, REGISTERED_MODEL, night=context.date, promoted=promoted)
    return decision


def _without_champion(before: "ModelVersion | None", trained: "Sequence[ModelVersion]") -> Verdict:
    """Decide on a night whose champion is none of the trained generators: the same one trained anew, or the first one."""
    if before is None:
        return Verdict(trained[0].version, f"there is no champion yet; {trained[0].version} is named first")
    for version in trained:
        if kind_of(version) == kind_of(before):
            return Verdict(version.version, f"{version.version} is {before.version} trained anew")
    return Verdict(trained[0].version, f"{before.version} is not named any more; {trained[0].version} is named first")


Rows = Mapping[tuple[str, dt.date], Mapping[str, tuple[int, int]]]
"""Generator version and requested night -> video -> impressions and long views."""


def _watched(context: JobContext) -> Rows:
    """Return what viewers did with the videos that a night requested itself, in the last nights."""
    found: dict[tuple[str, dt.date], dict[str, tuple[int, int]]] = {}
    if not context.lake.exists(_FEEDBACK):
        return found
    days = models()[REGISTERED_MODEL].made_from[_FEEDBACK].of(context.date, context.settings.late_days)
    columns = ["video_name", "generator_version", "requested", "tag", "impressions", "long_views"]
    nights = (pc.field("date") >= days[-1]) & (pc.field("date") <= days[0])
    for row in context.lake.arrow(_FEEDBACK).to_table(columns, filter=nights).to_pylist():
        if row["tag"]:
            videos = found.setdefault((row["generator_version"], row["requested"]), {})
            seen, long = videos.get(row["video_name"], (0, 0))
            videos[row["video_name"]] = (seen + row["impressions"], long + row["long_views"])
    return found


def _on_the_same_nights(watched: Rows, champion: str, challenger: str) -> tuple[Watched, Watched] | None:
    """Return the watched videos of two versions, of nights that requested some of both; None if there are none."""
    nights = {night for version, night in watched if version == champion}
    nights &= {night for version, night in watched if version == challenger}
    arms = []
    for version in (champion, challenger):
        counts = [
            count for night in sorted(nights) for _, count in sorted(watched[version, night].items()) if count[0] > 0
        ]
        if not counts:
            return None
        arms.append(Watched(*(np.array(column, np.int64) for column in zip(*counts, strict=True))))
    return arms[0], arms[1]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the reason of the decision."""
    with run_job(argv, __doc__, trains=REGISTERED_MODEL) as context:
        names = named(context.settings)
        if len(names) == 1:
            _log.info("NIGHTREEL_VIDEO_GENERATOR names one generator, %s: nothing to decide", names[0])
        else:
            print(promote(context).reason)


if __name__ == "__main__":
    main()
