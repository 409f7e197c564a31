"""Maintains the lake: drops days past their contract's retention, compacts small files, and deletes unused files.

Retention is counted back from `--date` or the lake's last night, whichever is earlier, so a wrong date, or maintenance of a lake
with old nights only, loses nothing. Files that are not in the current version are kept for a week by the store's clock. Files of
a version that a serving model was trained on are kept longer, until the model's night is past the retention.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

import pyarrow.dataset as ds

from jobs.platform import lake
from jobs.platform.errors import MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.lake.vacuum import vacuum
from jobs.platform.run import code_version, run_id
from schemas.contract import Contract, load_contract

_SMALL_BYTES = 32 << 20
"""Files that are smaller on average are compacted."""
_FILE_BYTES = 128 << 20
"""Size of the files of a compacted day that needs more than one."""


@dataclass(frozen=True)
class Done:
    """The result of the maintenance of one table."""

    table: str
    days_dropped: int
    rows_dropped: int
    files_joined: int
    """Number of small files that were replaced by fewer files."""
    files_removed: int
    """Number of deleted files of older versions."""


def maintain(context: JobContext, table: str, last_night: dt.date, kept: Collection[int]) -> Done:
    """Maintain one table.

    Args:
        context: of the job; its day and later days are not compacted, because they may be being written.
        table: layer and name.
        last_night: the day from which the retention is counted back.
        kept: versions that must stay readable.
    """
    contract = load_contract(table)
    uri = context.lake.uri(table)
    oldest = last_night - dt.timedelta(days=contract.retention_days)
    expired = {day for day in context.lake.days(table) if day < oldest}
    rows_dropped = sum(_drop(context, table, day) for day in sorted(expired))
    joined = [_compact(context, table, day) for day in _fragmented_days(uri, contract) if oldest <= day < context.date]
    return Done(table, len(expired), rows_dropped, sum(joined), vacuum(uri, kept))


def _drop(context: JobContext, table: str, day: dt.date) -> int:
    """Remove a day's rows from a table, and return their number."""
    uri = context.lake.uri(table)
    token = lake.token(uri, day)
    rows = context.lake.arrow(table).count_rows(filter=ds.field(load_contract(table).day_column) == day)
    lake.drop(uri, load_contract(table), day, token, {"run": run_id(), "code": code_version()})
    return rows


def _fragmented_days(uri: str, contract: Contract) -> list[dt.date]:
    """Return the days with several small files in one partition, from the table's log."""
    sizes: dict[tuple[dt.date, tuple[str, ...]], list[int]] = defaultdict(list)
    for file in lake.files(uri, contract):
        sizes[file.day, tuple(file.partition.values())].append(file.size)
    return sorted({day for (day, _), s in sizes.items() if len(s) > 1 and mean(s) < _SMALL_BYTES})


def _compact(context: JobContext, table: str, day: dt.date) -> int:
    """Rewrite a day's rows with as few files as possible, and return the number of replaced files.

    Each file has a range of the table's `Contract.sort_order`.

    Raises:
        Unreadable: the rows differ from those that were published; the table stays as it is.
    """
    uri = context.lake.uri(table)
    contract = load_contract(table)
    lake.create(contract, uri)  # adds columns that the contract has gained, which the rewritten rows need
    before = JobContext(
        day, context.settings, writes=table
    )  # created first, so that a night that publishes the day meanwhile has priority
    published = lake.latest(uri).get(day)
    files = [file for file in lake.files(uri, contract) if file.day == day]
    count = max(1, sum(file.size for file in files) // _FILE_BYTES)
    rows = before.lake.read_day(table).repartitionByRange(count, *contract.sort_order)
    made_by = {**(published.made_by if published else {}), "joined": lake.version(uri)}
    expected = published.content if published else None
    lake.replace_day(context.spark, rows, contract, uri, day, before.lake.expected_token, made_by, expected)
    return len(files)


def maintain_all(context: JobContext) -> Iterator[Done]:
    """Maintain every table of the lake.

    Raises:
        MissingInput: the lake has no tables.
    """
    tables = lake.tables(context.settings)
    if not tables:
        raise MissingInput(
            f"no tables at {context.settings.lake}", hint="run a first night before maintenance: make nightly"
        )
    nights = set.union(*(context.lake.days(table) for table in tables))
    last_night = min(context.date, max(nights, default=context.date))
    from jobs.platform import tracking  # MLflow takes seconds to import

    live = tracking.live_inputs(context.settings)
    for table in tables:
        oldest = last_night - dt.timedelta(days=load_contract(table).retention_days)
        yield maintain(context, table, last_night, {v for day, v in live.get(table, ()) if day >= oldest})


def main(argv: Sequence[str] | None = None) -> None:
    """Print the result of each table on one line."""
    with run_job(argv, __doc__) as context:
        for done in maintain_all(context):
            print(
                f"{done.table}: {done.days_dropped} days ({done.rows_dropped} rows) past retention dropped, "
                f"{done.files_joined} small files joined, {done.files_removed} old files removed",
                flush=True,
            )


if __name__ == "__main__":
    main()
