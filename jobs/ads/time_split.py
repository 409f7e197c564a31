"""Split of the examples of a night: training part and holdout, and the judged part, which is later than both.

The holdout has all examples of some users, so it contains every day and hour of the training days. The latest examples instead
would be one afternoon, whose click rate may differ from that of the following night.

Each part has at most a stated number of examples: if there are more, those of a sample of users. So training and judging take the
same time and memory above that number, at most 2 GB; if several processes train a model, each has that number. Models lose
little: all epochs together read hardly more examples.

A day on which all impressions were clicked, or none, is not used for training: such a log has most likely lost its labels.
"""

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset
from numpy.typing import NDArray

from jobs.ads.examples import ExampleStream
from jobs.features.ctr_examples import TABLE
from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.tracking import CannotTrain

TRAINING_DAYS = 7
"""Days of examples that a model is trained on; older examples make it worse."""

HOLDOUT_SHARE = 0.15
"""Share of the examples that are used for early stopping and calibration, rounded up to all examples of a user."""

JUDGED_SHARE = 0.2
"""Share of the night, the latest examples, that is judged if there are no earlier days to train on."""

MOST_TRAINED = 800_000
"""Maximum examples of a training part, for each process. In all epochs it reads at most 1.3 million, see `TrainingConfig`."""

MOST_HELD_OUT = 150_000
"""Maximum examples of a holdout, over all days, for each process."""

MOST_JUDGED = 300_000
"""Maximum judged examples. The standard error of a log-loss of .6 is then about .0008."""

_DIGITS = 3
_INTERVALS = 65_536  # of times that are counted in one pass: two passes find one millisecond of seven days


@dataclass(frozen=True)
class TimeSplit:
    """The parts of one night.

    Attributes:
        rule: description of the split; it says which share of the examples is used, unless all are.
        train: training part of the judged model.
        holdout: its part for early stopping and calibration, by day.
        judged: its part for evaluation, later than both.
        publish_train: training part of the published model, up to and including the night.
        publish_holdout: the holdout of the published model, by day.
    """

    rule: str
    train: ExampleStream
    holdout: tuple[ExampleStream, ...]
    judged: ExampleStream
    publish_train: ExampleStream
    publish_holdout: tuple[ExampleStream, ...]


def night_split(context: JobContext) -> TimeSplit:
    """Split gold.ctr_examples for the night.

    Raises:
        MissingInput: the table has no rows for the night.
        CannotTrain: a part has no click or no other impression.
    """
    if not context.lake.has_day(TABLE, context.date):
        raise MissingInput(TABLE, context.date, f"run python -m jobs.features.ctr_examples --date {context.date} first")
    dataset = context.lake.arrow(TABLE)
    if defect := label_defect(_examples_of_day(dataset, context.date)):
        raise CannotTrain(f"the night has {defect}")
    first = context.date - dt.timedelta(days=TRAINING_DAYS)
    training_days = (day for day in sorted(context.lake.days(TABLE)) if first <= day < context.date)
    defects = {day: label_defect(_examples_of_day(dataset, day)) for day in training_days}
    usable_days = [day for day, defect in defects.items() if defect is None]
    split = time_split(dataset, usable_days, context.date, context.settings.training_processes)
    for part in (split.train, split.publish_train):
        if defect := label_defect(part):
            raise CannotTrain(f"the training part has {defect}")
    for days_of_part in (split.holdout, split.publish_holdout):
        if defect := label_defect(*days_of_part):
            raise CannotTrain(f"the holdout has {defect}")
    left_out = [f"; {day} is left out, it has {defect}" for day, defect in defects.items() if defect]
    return replace(split, rule=split.rule + "".join(left_out))


def _examples_of_day(dataset: pyarrow.dataset.Dataset, day: dt.date) -> ExampleStream:
    return ExampleStream(dataset, pc.field("date") == day)


def time_split(
    dataset: pyarrow.dataset.Dataset, days: Collection[dt.date], night: dt.date, processes: int = 1
) -> TimeSplit:
    """Split gold.ctr_examples for one night; only the times of the rows are read.

    Args:
        dataset: the table.
        days: days of the table that may be used for training.
        night: the judged day. The training days are before it; if there are none, the first part of the night is used.
        processes: how many train each model.

    Raises:
        CannotTrain: a part would be empty.
    """
    today = ExampleStream(dataset, pc.field("date") == night)
    first = night - dt.timedelta(days=TRAINING_DAYS)
    earlier = sorted(day for day in days if first <= day < night)
    if earlier:
        known = [ExampleStream(dataset, pc.field("date") == day) for day in earlier]
        rule = f"trained on {earlier[0]} to {earlier[-1]}, judged on {night}"
        judged = today
    else:
        is_late = pc.field("time_ms") >= _cut_time(today, JUDGED_SHARE)
        known = [ExampleStream(dataset, today.condition & ~is_late)]
        rule = f"no earlier day: trained on the first {1 - JUDGED_SHARE:.0%} of {night} by time, judged on the rest"
        judged = ExampleStream(dataset, today.condition & is_late)
    up_to_night = [ExampleStream(dataset, pc.field("date") == day) for day in earlier if day > first]
    train, holdout, known_share = _split_users(known, processes)
    publish_train, publish_holdout, _ = _split_users([*up_to_night, today], processes)
    judged, judged_share = _sample_users(judged)
    if known_share < 1:
        rule += f"; trained on the users with {known_share:.1%} of the examples"
    if judged_share < 1:
        rule += f"; judged on the users with {judged_share:.1%} of the examples"
    return TimeSplit(rule, train, holdout, judged, publish_train, publish_holdout)


def shares_of_users(days: Sequence[ExampleStream], shares: int) -> list[list[pc.Expression]]:
    """Split the users of some examples into shares with about as many examples each.

    Returns:
        For each of `days` the conditions of its examples in each share.

    Raises:
        ValueError: a share would be empty.
    """
    rows = _rows_by_digits(_union(days))
    ends = [_end_of(rows, rows.total() * share / shares) for share in range(1, shares)]
    bounds = ["", *ends, "g"]
    if len({*bounds[1:]}) < shares:
        raise ValueError(f"{rows.total()} examples have too few users for {shares} processes")
    user = pc.field("user_id")
    return [
        [day.condition & (user >= first) & (user < end) for first, end in itertools.pairwise(bounds)] for day in days
    ]


def label_defect(*parts: ExampleStream) -> str | None:
    """Return why examples cannot be trained on, or None if they have both labels."""
    is_click = pc.field("label") == 1
    has_clicks, has_others = (
        any(_any(part.dataset, part.condition & label) for part in parts) for label in (is_click, ~is_click)
    )
    if has_clicks and has_others:
        return None
    return "nothing but clicks" if has_clicks else "no click" if has_others else "no impression"


def _any(dataset: pyarrow.dataset.Dataset, condition: pc.Expression) -> bool:
    return bool(dataset.scanner(columns=["label"], filter=condition).head(1).num_rows)


def _split_users(
    days: Sequence[ExampleStream], processes: int
) -> tuple[ExampleStream, tuple[ExampleStream, ...], float]:
    """Return the training part and the holdout of some days, and the share of the examples that are in either."""
    known = _union(days)
    rows = _rows_by_digits(known)
    held_out = min(HOLDOUT_SHARE * rows.total(), MOST_HELD_OUT * processes)
    end_of_holdout, end_of_training = _end_of(rows, held_out), _end_of(rows, held_out + MOST_TRAINED * processes)
    user = pc.field("user_id")
    holdout = tuple(ExampleStream(day.dataset, day.condition & (user < end_of_holdout)) for day in days)
    train = known.condition & (user >= end_of_holdout) & (user < end_of_training)
    used = sum(count for digits, count in rows.items() if digits < end_of_training)
    return ExampleStream(known.dataset, train), holdout, used / max(rows.total(), 1)


def _union(days: Sequence[ExampleStream]) -> ExampleStream:
    return ExampleStream(days[0].dataset, reduce(or_, (day.condition for day in days)))


def _sample_users(examples: ExampleStream) -> tuple[ExampleStream, float]:
    """Return at most `MOST_JUDGED` of the examples, those of the users with the highest ids, and their share."""
    rows = _rows_by_digits(examples)
    if rows.total() <= MOST_JUDGED:
        return examples, 1.0
    first = _end_of(rows, rows.total() - MOST_JUDGED)
    used = sum(count for digits, count in rows.items() if digits >= first)
    return ExampleStream(examples.dataset, examples.condition & (pc.field("user_id") >= first)), used / rows.total()


def _rows_by_digits(examples: ExampleStream) -> Counter[str]:
    """Count the examples by the first digits of the user's id.

    Ids are pseudonyms: random hexadecimal numbers. So the users with the lowest or highest ids are a random sample, and these
    counts take the same memory for any number of users.
    """
    rows: Counter[str] = Counter()
    for batch in examples.record_batches(["user_id"]):
        for count in pc.value_counts(pc.utf8_slice_codeunits(batch["user_id"], 0, _DIGITS)).to_pylist():
            rows[count["values"]] += count["counts"]
    return rows


def _end_of(rows: Counter[str], needed: float) -> str:
    """Return a text that is greater than the ids of the users with the first `needed` examples, and no greater than other ids."""
    for digits in sorted(rows):
        needed -= rows[digits]
        if needed <= 0:
            return digits + "g"  # greater than all ids that begin with these digits
    return "g"


def _cut_time(examples: ExampleStream, last_share: float) -> int:
    """Return the time, in epoch milliseconds, after which about this share of the rows lies."""
    rows, first, last = 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for times in _times(examples):
        rows, first, last = rows + len(times), min(first, int(times.min())), max(last, int(times.max()))
    if rows:
        cut = _nth_time(examples, int(rows * (1 - last_share)), first, last)
        if cut > first:
            return cut
    raise CannotTrain(f"{rows} impressions with the same time cannot be split by time")


def _nth_time(examples: ExampleStream, n: int, first: int, last: int) -> int:
    """Return the n-th time in ascending order, counted from 0: each pass over the rows counts them by finer intervals.

    Args:
        examples: the rows.
        n: smaller than their number.
        first: their first time.
        last: their last time.
    """
    while first < last:
        width = (last - first) // _INTERVALS + 1
        counts = np.zeros(_INTERVALS, dtype=np.int64)
        for times in _times(examples):
            inside = times[(times >= first) & (times <= last)]
            counts += np.bincount((inside - first) // width, minlength=_INTERVALS)
        up_to = np.cumsum(counts)
        interval = int(np.searchsorted(up_to, n, side="right"))
        n -= int(up_to[interval] - counts[interval])
        first, last = first + interval * width, min(last, first + (interval + 1) * width - 1)
    return first


def _times(examples: ExampleStream) -> Iterator[NDArray[np.int64]]:
    return (rows["time_ms"].to_numpy() for rows in examples.record_batches(["time_ms"]))
