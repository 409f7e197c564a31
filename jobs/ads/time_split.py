"""Which examples a night trains, calibrates and judges on: always earlier ones than it is judged by.

A day whose impressions were all clicked, or none, is not learned from: such a log has most likely lost its labels.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset

from jobs.ads.examples import ExampleStream
from jobs.features.ctr_examples import TABLE
from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.tracking import CannotTrain

TRAINING_DAYS = 7
"""Days of examples that a model learns from; click behaviour of longer ago misleads more than it teaches."""

HOLDOUT_SHARE = 0.15
"""The last part, by time, of what a model learns from: it stops the training and fits the calibration."""

JUDGED_SHARE = 0.2
"""The last part of the day that is judged where no earlier day exists to train on."""


@dataclass(frozen=True)
class TimeSplit:
    """One night's parts.

    Attributes:
        rule: in words, how the judged part was cut off.
        train: what the judged model learns from.
        holdout: what it is stopped and calibrated by, later than `train`.
        judged: what it is judged on, later than both.
        publish_train: what the published model learns from, up to the night itself.
        publish_holdout: what that one is stopped and calibrated by.
    """

    rule: str
    train: ExampleStream
    holdout: ExampleStream
    judged: ExampleStream
    publish_train: ExampleStream
    publish_holdout: ExampleStream


def split_of(context: JobContext) -> TimeSplit:
    """The night's parts of gold.ctr_examples.

    Raises:
        MissingInput: the table does not have the night.
        CannotTrain: it has too little to learn from.
    """
    if not context.lake.has_day(TABLE, context.date):
        raise MissingInput(TABLE, context.date, f"run python -m jobs.features.ctr_examples --date {context.date} first")
    dataset = context.lake.arrow(TABLE)
    if lacks := lack(_of(dataset, context.date)):
        raise CannotTrain(f"the night has {lacks}")
    first = context.date - dt.timedelta(days=TRAINING_DAYS)
    lacking = {day: lack(_of(dataset, day)) for day in sorted(context.lake.days(TABLE)) if first <= day < context.date}
    split = time_split(dataset, [day for day, lacks in lacking.items() if lacks is None], context.date)
    for part in (split.train, split.publish_train):
        if lacks := lack(part):
            raise CannotTrain(f"the part to learn from has {lacks}")
    for part in (split.holdout, split.publish_holdout):
        if lacks := lack(part):
            raise CannotTrain(f"the part held out for calibration has {lacks}")
    left_out = [f"; {day} is left out, it has {lacks}" for day, lacks in lacking.items() if lacks]
    return replace(split, rule=split.rule + "".join(left_out))


def _of(dataset: pyarrow.dataset.Dataset, day: dt.date) -> ExampleStream:
    return ExampleStream(dataset, pc.field("date") == day)


def time_split(dataset: pyarrow.dataset.Dataset, days: Collection[dt.date], night: dt.date) -> TimeSplit:
    """Split gold.ctr_examples for one night; only the times of the rows are read.

    Args:
        dataset: the table.
        days: the days of it that may be learned from.
        night: judged on this day, trained on those before it, or on the first part of it when there are none.

    Raises:
        CannotTrain: a part would be empty.
    """
    today = pc.field("date") == night
    earlier = sorted(day for day in days if night - dt.timedelta(days=TRAINING_DAYS) <= day < night)
    if earlier:
        known = pc.field("date").isin(earlier)
        rule = f"trained on {earlier[0]} to {earlier[-1]}, judged on {night}"
        judged = ExampleStream(dataset, today)
    else:
        cut = _cut(dataset, today, JUDGED_SHARE)
        known = today & (pc.field("time_ms") < cut)
        rule = f"no earlier day: trained on the first {1 - JUDGED_SHARE:.0%} of {night} by time, judged on the rest"
        judged = ExampleStream(dataset, today & (pc.field("time_ms") >= cut))
    last_days = [day for day in earlier if day > night - dt.timedelta(days=TRAINING_DAYS)]
    upto = pc.field("date").isin([*last_days, night])
    return TimeSplit(rule, *_held_out(dataset, known), judged, *_held_out(dataset, upto))


def lack(part: ExampleStream) -> str | None:
    """What examples lack that clicks could be learned from, None where they lack nothing."""
    clicked = pc.field("label") == 1
    clicks, others = (_any(part.dataset, part.condition & which) for which in (clicked, ~clicked))
    if clicks and others:
        return None
    return "nothing but clicks" if clicks else "no click" if others else "no impression"


def _any(dataset: pyarrow.dataset.Dataset, condition: pc.Expression) -> bool:
    return bool(dataset.scanner(columns=["label"], filter=condition).head(1).num_rows)


def _held_out(dataset: pyarrow.dataset.Dataset, known: pc.Expression) -> tuple[ExampleStream, ExampleStream]:
    cut = _cut(dataset, known, HOLDOUT_SHARE)
    before = pc.field("time_ms") < cut
    return ExampleStream(dataset, known & before), ExampleStream(dataset, known & ~before)


def _cut(dataset: pyarrow.dataset.Dataset, condition: pc.Expression, last_share: float) -> int:
    """The time from which on about this share of the rows lies."""
    times = np.asarray(dataset.to_table(columns=["time_ms"], filter=condition)["time_ms"])
    if len(times):
        place = int(len(times) * (1 - last_share))
        cut = int(np.partition(times, place)[place])
        if cut > times.min():
            return cut
    raise CannotTrain(f"{len(times)} impressions at one time cannot be split by time")
