"""Keeps the lake small and quick: drops days past their contract's retention, joins small files, removes what nobody can need.

Days are counted back from `--date` or from the lake's last night, whichever is earlier: a wrong date, or a lake of old nights
that is looked after today, loses nothing. Files that no current version has are kept for a week, by the clock of the store,
and longer where a model that serves was trained on the version that has them: until those days are past their retention, too.
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
"""Files that are smaller on average are worth joining."""


@dataclass(frozen=True)
class Done:
    """What was done to one table."""

    table: str
    days_dropped: int
    rows_dropped: int
    files_joined: int
    """Small files that were replaced by fewer."""
    files_removed: int
    """Files of older versions that are gone from the store."""


def maintain(context: JobContext, table: str, last_night: dt.date, kept: Collection[int]) -> Done:
    """Look after one table.

    Args:
        context: of the job; days from it on may be being written and are not compacted.
        table: layer and name.
        last_night: the day from which its retention counts back.
        kept: versions that must stay readable.
    """
    contract = load_contract(table)
    uri = context.lake.uri(table)
    oldest = last_night - dt.timedelta(days=contract.retention_days)
    expired = {day for day in context.lake.days(table) if day < oldest}
    rows_dropped = sum(_drop(context, table, day) for day in sorted(expired))
    joined = [_join(context, table, day) for day in _scattered(uri, contract) if oldest <= day < context.date]
    return Done(table, len(expired), rows_dropped, sum(joined), vacuum(uri, kept))


def _drop(context: JobContext, table: str, day: dt.date) -> int:
    """Take a day's rows out of a table; how many there were."""
    uri = context.lake.uri(table)
    seen = lake.token(uri, day)
    rows = context.lake.arrow(table).count_rows(filter=ds.field(load_contract(table).day_column) == day)
    lake.drop(uri, load_contract(table), day, seen, {"run": run_id(), "code": code_version()})
    return rows


def _scattered(uri: str, contract: Contract) -> list[dt.date]:
    """Days that lie in more small files than their partitions need, by the table's log."""
    sizes: dict[tuple[dt.date, tuple[str, ...]], list[int]] = defaultdict(list)
    for file in lake.files(uri, contract):
        sizes[file.day, tuple(file.partition.values())].append(file.size)
    return sorted({day for (day, _), of in sizes.items() if len(of) > 1 and mean(of) < _SMALL_BYTES})


def _join(context: JobContext, table: str, day: dt.date) -> int:
    """Write a day again with one file a partition, the same rows; how many files that replaced.

    Raises:
        Unreadable: the rows are not those that were published; the table stays as it is.
    """
    uri = context.lake.uri(table)
    contract = load_contract(table)
    lake.create(contract, uri)  # what the contract has added since belongs to the rows that are written
    before = JobContext(
        day, context.settings, writes=table
    )  # a night that publishes the day from now on wins over this
    published = lake.latest(uri).get(day)
    files = [file for file in lake.files(uri, contract) if file.day == day]
    rows = before.lake.read_day(table).repartition(*contract.partitioned_by)
    made_by = {**(published.made_by if published else {}), "joined": lake.version(uri)}
    expected = published.content if published else None
    lake.replace_day(context.spark, rows, contract, uri, day, before.lake.expected_token, made_by, expected)
    return len(files)


def maintain_all(context: JobContext) -> Iterator[Done]:
    """Look after every table of the lake.

    Raises:
        MissingInput: the lake has no tables.
    """
    there = lake.tables(context.settings)
    if not there:
        raise MissingInput(
            f"no tables at {context.settings.lake}", hint="there is nothing to look after before a first night"
        )
    nights = set.union(*(context.lake.days(table) for table in there))
    last_night = min(context.date, max(nights, default=context.date))
    from jobs.platform import tracking  # MLflow takes seconds to import

    live = tracking.live_inputs(context.settings)
    for table in there:
        oldest = last_night - dt.timedelta(days=load_contract(table).retention_days)
        yield maintain(context, table, last_night, {v for day, v in live.get(table, ()) if day >= oldest})


def main(argv: Sequence[str] | None = None) -> None:
    """Print what was done, a line a table."""
    with run_job(argv, __doc__) as context:
        for done in maintain_all(context):
            print(
                f"{done.table}: {done.days_dropped} days ({done.rows_dropped} rows) past retention dropped, "
                f"{done.files_joined} small files joined, {done.files_removed} old files removed",
                flush=True,
            )


if __name__ == "__main__":
    main()
