"""The lake as one job sees it: each table at one version, and only what the job's table or model is declared to be made from."""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.platform import admission, erasure, lake, lineage
from jobs.platform.errors import MissingInput, UndeclaredInput
from jobs.platform.fingerprints import fingerprint
from jobs.platform.run import code_version, run_id
from jobs.platform.settings import Settings
from schemas.contract import load_contract
from schemas.dependencies import sources

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.dataset
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)


@dataclass
class JobLake:
    """Reads the tables that a job declares, and replaces one night of the table that it writes.

    The version of a table is fixed when it is first read, and recorded with what is written.
    """

    date: dt.date
    """The night."""
    settings: Settings
    get_spark: "Callable[[], SparkSession]"
    """Called only where Spark is needed."""
    writes: str | None = None
    """The table that the job writes, if it writes one."""
    trains: str | None = None
    """The model that the job trains or promotes, if it does."""
    inputs: dict[str, int] = field(default_factory=dict)
    """Table -> the version that is read."""
    landed: dict[str, str] = field(default_factory=dict)
    """Feed of the landing -> digest of its files that were read."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """Of what decides which rows are written besides the input rows: see `jobs.platform.fingerprints`."""

    def __post_init__(self) -> None:
        # Read before any input: a writer that publishes the day after this moment supersedes this job.
        self.seen = lake.token(self.uri(self.writes), self.date) if self.writes else 0
        if self.writes:
            self.fingerprints[self.writes] = fingerprint(self.settings, self.writes)

    def uri(self, table: str) -> str:
        """Where a table of the lake lies, see `Settings.uri`."""
        return self.settings.uri(table)

    def exists(self, table: str) -> bool:
        """Whether the lake has the table yet."""
        self._check_declared(table)
        return lake.version(self.uri(table)) is not None

    def has_day(self, table: str, date: dt.date) -> bool:
        """Whether the day was published in the table, with rows or without, by its log alone."""
        self._check_declared(table, date)
        return self.exists(table) and lake.has_day(
            self.uri(table), self._pinned(table), load_contract(table).day_column, date
        )

    def days(self, table: str) -> set[dt.date]:
        """The days that the table holds rows of, by its log alone; none where there is no table.

        A day that was published without a row is none of them: see `has_day`.
        """
        if not self.exists(table):
            return set()
        return lake.days(self.uri(table), self._pinned(table), load_contract(table).day_column)

    def read(self, table: str) -> "DataFrame":
        """The whole table, at the version that it had when this job first read it.

        Raises:
            MissingInput: there is no such table in the lake.
            UndeclaredInput: what the job makes is not declared to be made from it.
        """
        return lake.frame(self.get_spark(), self.uri(table), self._pinned(table))

    def read_day(self, table: str, date: dt.date | None = None, *, required: bool = True) -> "DataFrame":
        """The table's rows of one day, the night's own unless another is given.

        Raises:
            MissingInput: the day was never published; with `required=False` the frame is then empty, and typed by the contract.
            UndeclaredInput: what the job makes is not declared to be made from that day.
        """
        day = date or self.date
        if self.has_day(table, day):
            return self.read(table).where(f"`{load_contract(table).day_column}` = DATE'{day}'")
        if required:
            raise MissingInput(table, day, f"run the night of {day} first")
        return self.get_spark().createDataFrame([], load_contract(table).struct_type())

    def arrow(self, table: str) -> "pyarrow.dataset.Dataset":
        """The table as an Arrow dataset, for jobs that need no Spark; scan it with a filter, batch by batch.

        Raises:
            MissingInput: there is no such table in the lake.
            UndeclaredInput: what the job makes is not declared to be made from it.
        """
        return lake.arrow(self.uri(table), self._pinned(table))

    def write(self, rows: "DataFrame | pyarrow.Table", *, model: str | None = None) -> None:
        """Replace the night's rows of the table that the job writes in one commit, whose metadata says what made them.

        Rows of erased users are left out.

        Args:
            rows: exactly the contract's columns, for this night only.
            model: the version of the model that computed the rows, if one did.

        Raises:
            BadInput: the columns are not those of the contract, or a row breaks it; nothing is published.
            Overtaken: another run published this night of the table since this job began.
            UsageError: this machine has not the lake's pseudonym key and erasure list.
        """
        if self.writes is None:
            raise ValueError("this job said that it writes no table")
        made_by = {
            "run": run_id(),
            "code": code_version(),
            "inputs": self.inputs,
            "landed": self.landed,
            "rules": self.fingerprints,
            "model": model,
        }
        contract, uri = load_contract(self.writes), self.uri(self.writes)
        erased = None
        while erased != (listed := admission.erased(self.settings)):  # again, where somebody left meanwhile
            erased = listed
            kept = erasure.without(rows, contract, erased)
            published = lake.replace_day(self.get_spark(), kept, contract, uri, self.date, self.seen, made_by)
            self.seen += 1
        _log.info("%s: the rows of %s are replaced", self.writes, self.date)
        lineage.emit(self.settings, self.writes, published)

    def landed_with(self, feed: str, digest: str) -> None:
        """Remember the digest of a feed's files that are read of the night's landing.

        Raises:
            UndeclaredInput: what the job makes is not declared to be made from the feed.
        """
        self._check_declared(f"landing.{feed}")
        self.landed[feed] = digest

    def _check_declared(self, source: str, day: dt.date | None = None) -> None:
        """Make sure that what the job makes is declared to be made from a source, and from that day of it if one is given.

        A job may always read the table that it writes; one that writes no table and trains no model may read all of them.

        Raises:
            UndeclaredInput: it is not.
        """
        makes = self.writes or (f"models.{self.trains}" if self.trains else None)
        if makes is None or source == makes:
            return
        days = sources(makes).get(source)
        file = f"schemas/{self.writes.replace('.', '/')}.yaml" if self.writes else "schemas/models.yaml"
        if days is None:
            raise UndeclaredInput(f"{makes} reads {source}, which it does not declare; add it to madeFrom in {file}")
        if day is not None and day not in days.of(self.date, self.settings.late_days):
            ago = (self.date - day).days
            raise UndeclaredInput(
                f"{makes} of {self.date} reads {source} of {day}, {ago} days back, but declares {days}; mend madeFrom in {file}"
            )

    def _pinned(self, table: str) -> int:
        self._check_declared(table)
        if table not in self.inputs:
            current = lake.version(self.uri(table))
            if current is None:
                raise MissingInput(table, hint=f"there is no such table at {self.uri(table)}; run a night first")
            self.inputs[table] = current
        return self.inputs[table]
