"""A click model that two processes train on Spark's executors."""

from argparse import Namespace
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from jobs.ads import REGISTERED_MODEL
from jobs.ads.examples import FIELDS, ExampleStream
from jobs.ads.judgement import judge
from jobs.ads.on_executors import fit_on_executors
from jobs.ads.time_split import night_split, shares_of_users
from jobs.features.ctr_examples import TABLE
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from models.ads.logistic_regression import LogisticRegression
from tests.jobs.ads.nights import FIRST, ROWS, SECOND, write_examples


@pytest.fixture
def context(home: Path) -> JobContext:
    """The training of the second of two nights."""
    for date in (FIRST, SECOND):
        write_examples(home, date)
    return JobContext(SECOND, settings(), Namespace(), trains=REGISTERED_MODEL)


@pytest.mark.usefixtures("spark")
def test_two_processes_train_as_well_as_one(context: JobContext) -> None:
    split = night_split(context)
    alone = LogisticRegression(FIELDS).fit(split.train, split.holdout)
    together = fit_on_executors(context, LogisticRegression(FIELDS), split.train, split.holdout, 2)
    losses = [judge(model, split.judged).metrics()["log_loss"] for model in (alone, together)]
    assert losses[1] == pytest.approx(losses[0], abs=0.005)
    assert together.encoder.to_json() == alone.encoder.to_json()


def test_each_example_is_in_the_share_of_its_user(context: JobContext) -> None:
    table = context.lake.arrow(TABLE)
    days = [ExampleStream(table, ds.field("date") == day) for day in (FIRST, SECOND)]
    shares = [
        [table.to_table(["user_id"], filter=share)["user_id"].to_pylist() for share in day]
        for day in shares_of_users(days, 3)
    ]
    for day in shares:
        assert sum(map(len, day)) == ROWS
        assert min(map(len, day)) > ROWS / 6
    users = [set(first) | set(second) for first, second in zip(*shares, strict=True)]
    assert sum(map(len, users)) == len(set.union(*users))


def test_too_few_users_are_refused(context: JobContext) -> None:
    split = night_split(context)
    with pytest.raises(ValueError, match="too few users for 500 processes"):
        shares_of_users([split.train], 500)
