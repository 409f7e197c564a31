"""The context that a job gets: its night, settings, arguments, Spark session, and lake."""

import argparse
import datetime as dt
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from jobs.platform.job_lake import JobLake
from jobs.platform.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class JobContext:
    """One job of one night.

    Args:
        writes: the table that the job writes, if any.
        trains: the model that the job trains or promotes, if any.
    """

    date: dt.date
    """The night."""
    settings: Settings
    args: argparse.Namespace = field(default_factory=argparse.Namespace)
    """The job's own arguments."""
    gpu_busy: float | None = None
    """Share of the time in which the GPU computed, if the job measures it."""
    writes: InitVar[str | None] = None
    trains: InitVar[str | None] = None
    lake: JobLake = field(init=False)

    def __post_init__(self, writes: str | None, trains: str | None) -> None:
        self.lake = JobLake(self.date, self.settings, lambda: self.spark, writes, trains)

    @cached_property
    def spark(self) -> "SparkSession":
        """The Spark session, created at first use."""
        from jobs.platform.spark import session  # pyspark takes seconds to import, and not every job needs it

        return session()
