"""Fits a click model in several processes on Spark's executors. Each reads the examples of its own users from Delta."""

import os
from collections.abc import Mapping, Sequence
from typing import cast

import pyarrow.compute as pc
import torch.distributed as dist

from infra.storage import store_settings
from jobs.ads.examples import ExampleStream
from jobs.ads.time_split import shares_of_users
from jobs.features.ctr_examples import TABLE
from jobs.platform import lake
from jobs.platform.job_context import JobContext
from models.ads.click_model import ClickModel

Conditions = list[pc.Expression]
"""A filter of rows for each process."""


def fit_on_executors(
    context: JobContext, model: ClickModel, train_part: ExampleStream, holdout: Sequence[ExampleStream], processes: int
) -> ClickModel:
    """Return the model, fitted like `ClickModel.fit`. Spark needs a free core for each process, all at the same time.

    Raises:
        ValueError: there are not enough users for each process to have some.
    """
    from pyspark.ml.torch.distributor import TorchDistributor

    train = shares_of_users([train_part], processes)
    days = shares_of_users(holdout, processes)
    table = context.lake.uri(TABLE), context.lake.inputs[TABLE]
    assert context.spark  # the distributor uses the active session
    distributor = TorchDistributor(num_processes=processes, local_mode=False, use_gpu=False)
    return cast(ClickModel, distributor.run(_fit_share, model, *table, train[0], days, store_settings()))


def _fit_share(
    model: ClickModel,
    uri: str,
    version: int,
    train: Conditions,
    holdout: Sequence[Conditions],
    settings_of_store: Mapping[str, str],
) -> ClickModel:
    """Fit the model in one of the processes."""
    os.environ.update(settings_of_store)
    dist.init_process_group("gloo")
    process, dataset = dist.get_rank(), lake.arrow(uri, version)
    days = [ExampleStream(dataset, conditions[process]) for conditions in holdout]
    model.fit(ExampleStream(dataset, train[process]), days)
    dist.destroy_process_group()
    return model
