"""The lake as one job sees it: each table at one fixed version, and only the declared sources of the job's table or model."""

import datetime as dt
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.platform import admission, erasure, lake, lineage
from jobs.platform.errors import MissingInput, UndeclaredInput
from jobs.platform.fingerprints import fingerprint
from jobs.platform.run import code_version, run_id
from jobs.platform.settings import Settings
from schemas.contract import load_contract, tables
from schemas.dependencies import sources

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.dataset
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)


@dataclass
class JobLake:
    """Reads the declared tables of a job, and replaces one night of the table that it writes.

    The version of a table is fixed when it is first read, and recorded in the commit of the written table.
    """

    date: dt.date
    """The night."""
    settings: Settings
    get_spark: "Callable[[], SparkSession]"
    """Called only if Spark is needed."""
    writes: str | None = None
    """The table that the job writes, if any."""
    trains: str | None = None
    """The model that the job trains or promotes, if any."""
    inputs: dict[str, int] = field(default_factory=dict)
    """Table -> the version that is read."""
    landed: dict[str, str] = field(default_factory=dict)
    """Feed of the landing -> digest of the files that were read."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """Fingerprints that are recorded with the written rows, see `jobs.platform.fingerprints`."""
    publication: lake.Publication | None = field(default=None, init=False)
    """The commit of the night's rows, after `write`."""

    def __post_init__(self) -> None:
        # Read before any input: if another writer publishes the day after this moment, this job must not publish.
        self.expected_token = lake.token(self.uri(self.writes), self.date) if self.writes else 0
        if self.writes:
            self.fingerprints[self.writes] = fingerprint(self.settings, self.writes)

    def uri(self, table: str) -> str:
        """Return the location of a table, see `Settings.uri`."""
        return self.settings.uri(table)

    def exists(self, table: str) -> bool:
        """True if the lake has the table."""
        self._check_declared(table)
        return lake.version(self.uri(table)) is not None

    def has_day(self, table: str, date: dt.date) -> bool:
        """True if the day was published in the table, with or without rows. Reads only the table's log."""
        self._check_declared(table, date)
        return self.exists(table) and lake.has_day(
            self.uri(table), self._fixed_version(table), load_contract(table).day_column, date
        )

    def days(self, table: str) -> set[dt.date]:
        """Return the days for which the table has rows; empty if there is no table. Reads only the table's log.

        Days that were published without rows are not included, see `has_day`.
        """
        if not self.exists(table):
            return set()
        return lake.days(self.uri(table), self._fixed_version(table), load_contract(table).day_column)

    def count_rows(self, table: str, days: Collection[dt.date]) -> int:
        """Return how many rows the table has of some days. Reads only the table's log.

        Raises:
            MissingInput: the lake has no such table.
            UndeclaredInput: the job's table or model does not declare this source.
        """
        return lake.count_rows(self.uri(table), self._fixed_version(table), load_contract(table), days)

    def read(self, table: str) -> "DataFrame":
        """Return the whole table, at the version that it had when this job first read it.

        Raises:
            MissingInput: the lake has no such table.
            UndeclaredInput: the job's table or model does not declare this source.
        """
        return lake.frame(self.get_spark(), self.uri(table), self._fixed_version(table))

    def read_day(self, table: str, date: dt.date | None = None, *, required: bool = True) -> "DataFrame":
        """Return the table's rows of one day; by default the night's own.

        Args:
            table: layer and name.
            date: the day.
            required: if False, a day that was never published gives an empty frame with the contract's columns.

        Raises:
            MissingInput: the day is required and was never published.
            UndeclaredInput: the job's table or model does not declare that day of this source.
        """
        day = date or self.date
        if self.has_day(table, day):
            return self.read(table).where(f"`{load_contract(table).day_column}` = DATE'{day}'")
        if required:
            raise MissingInput(table, day, f"run the night of {day} first")
        return self.get_spark().createDataFrame([], load_contract(table).struct_type())

    def check_days(self, table: str, days: Sequence[dt.date]) -> None:
        """Check that a table has the night, and each of the other days that it could be made of.

        Without this, a window over a table that was added to an older lake would silently be shorter.

        Args:
            table: layer and name.
            days: of a window that ends with the night; a day for which the table's sources have no rows either may be missing.

        Raises:
            MissingInput: a day is missing.
            UndeclaredInput: the job's table or model does not declare this source.
        """
        made_from = [source for source, back in sources(table).items() if back.first == 0 and source in tables()]
        expected = {self.date}.union(*(self._days_now(source) for source in made_from)).intersection(days)
        expected -= self.days(table)  # read after the sources: a day may be published meanwhile
        if missing := sorted(day for day in expected if not self.has_day(table, day)):
            first, last = missing[0], missing[-1]
            raise MissingInput(table, first, f"run it first: make backfill FROM={first} TO={last} TABLES={table}")

    def arrow(self, table: str) -> "pyarrow.dataset.Dataset":
        """Return the table as an Arrow dataset, for jobs without Spark. Scan it with a filter, batch by batch.

        Raises:
            MissingInput: the lake has no such table.
            UndeclaredInput: the job's table or model does not declare this source.
        """
        return lake.arrow(self.uri(table), self._fixed_version(table))

    def write(self, rows: "DataFrame | pyarrow.Table", *, model: str | None = None) -> None:
        """Replace the night's rows of the table that the job writes, in one commit that records how the rows were made.

        Rows of erased users are left out.

        Args:
            rows: exactly the contract's columns, for this night only.
            model: the version of the model that computed the rows, if any.

        Raises:
            BadInput: the columns are not those of the contract, or a row breaks it; nothing is published.
            Overtaken: another run published this night of the table after this job began.
            UsageError: this machine does not have the lake's pseudonym key and erasure list.
        """
        if self.writes is None:
            raise ValueError("this job declared no table to write")
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
        while erased != (
            current := admission.erased_users(self.settings)
        ):  # repeat if a user was erased during the write
            erased = current
            kept = erasure.without_erased(rows, contract, erased)
            publication = self.publication = lake.replace_day(
                self.get_spark(), kept, contract, uri, self.date, self.expected_token, made_by
            )
            self.expected_token += 1
        _log.info("%s: replaced the rows of %s", self.writes, self.date)
        lineage.emit(self.settings, self.writes, publication)

    def record_landed(self, feed: str, digest: str) -> None:
        """Record the digest of the files that are read from a feed of the night's landing.

        Raises:
            UndeclaredInput: the job's table or model does not declare the feed.
        """
        self._check_declared(f"landing.{feed}")
        self.landed[feed] = digest

    def _check_declared(self, source: str, day: dt.date | None = None) -> None:
        """Check that the job's table or model declares a source, and the given day of it.

        A job may always read the table that it writes. A job that writes no table and trains no model may read all tables.

        Raises:
            UndeclaredInput: the source or the day is not declared.
        """
        output = self.writes or (f"models.{self.trains}" if self.trains else None)
        if output is None or source == output:
            return
        days = sources(output).get(source)
        file = f"schemas/{self.writes.replace('.', '/')}.yaml" if self.writes else "schemas/models.yaml"
        if days is None:
            raise UndeclaredInput(f"{output} reads {source}, which it does not declare; add it to madeFrom in {file}")
        if day is not None and day not in days.of(self.date, self.settings.late_days):
            ago = (self.date - day).days
            raise UndeclaredInput(
                f"{output} of {self.date} reads {source} of {day}, {ago} days back, but declares {days}; "
                f"correct madeFrom in {file}"
            )

    def _days_now(self, table: str) -> set[dt.date]:
        """Return the days for which a table has rows now. This is no input: it decides only whether the job can run."""
        version = lake.version(self.uri(table))
        return set() if version is None else lake.days(self.uri(table), version, load_contract(table).day_column)

    def _fixed_version(self, table: str) -> int:
        """Return the version of a table that this job reads; the first call fixes it."""
        self._check_declared(table)
        if table not in self.inputs:
            current = lake.version(self.uri(table))
            if current is None:
                raise MissingInput(table, hint=f"there is no table at {self.uri(table)}; run a night first")
            self.inputs[table] = current
        return self.inputs[table]
