"""ops.reconciliation: proves that every line of the landing is an event, a duplicate, in quarantine or erased, and none twice.

The lines are counted in the files themselves, the duplicates from the log's keys: neither from the table that they are to
prove. A night whose books do not balance, or that looks nothing like the nights before it, ends here, before anything
reads its rows. `--accept` takes in an odd night that a person has looked at; books that do not balance it never does.
"""

import argparse
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from pyspark.sql import functions as F

from jobs.ingest import erased_lines, landing
from jobs.ingest.behavior_events import arrived_before
from jobs.ingest.parse import EVENTS, KEY, parsed, valid
from jobs.platform.errors import BadInput
from jobs.platform.job import job
from jobs.platform.night import Night
from schemas.contract import contract

_BOOKS = "ops.reconciliation"
_MOST_QUARANTINED = 0.05
_MOST_CHANGED = 5.0
_NIGHTS_BEFORE = 7


@dataclass(frozen=True)
class Books:
    """Rows counted for one night."""

    lines_in: int
    rows_out: int
    duplicates: int
    quarantined: int
    erased: int

    def check(self, lines_before: Sequence[int], *, accept: bool) -> None:
        """Refuse books that do not balance and, unless accepted, a night far off.

        Args:
            lines_before: lines of the last nights.
            accept: let an odd night through.

        Raises:
            BadInput: the night is not to be used; says why and what to do.
        """
        accounted = self.rows_out + self.duplicates + self.quarantined + self.erased
        if self.lines_in != accounted:
            raise BadInput(
                f"the books do not balance: {self.lines_in} lines came in, but {self.rows_out} events + {self.duplicates} "
                f"duplicates + {self.quarantined} quarantined + {self.erased} erased = {accounted}; run the night's ingest "
                "again from its landing"
            )
        hint = "look at silver.quarantine and the landing; if the night is right, run this job with --accept"
        if not accept and self.quarantined > _MOST_QUARANTINED * self.lines_in:
            raise BadInput(f"{self.quarantined} of {self.lines_in} lines are in quarantine, over 5 %; {hint}")
        usual = sum(lines_before) / len(lines_before) if lines_before else self.lines_in
        if not accept and not usual / _MOST_CHANGED <= self.lines_in <= usual * _MOST_CHANGED:
            raise BadInput(f"{self.lines_in} lines, but the nights before had {usual:.0f} on average; {hint}")


def count(night: Night) -> Books:
    """Count the night's lines, events, duplicates, quarantined and erased rows, each from its own source."""
    lines = landing.data_lines(night.settings.landing, landing.BEHAVIOR_LOGS, night.date)
    keys = valid(parsed(night)).select("event_date", *KEY)
    earlier = arrived_before(night, keys).select(*KEY)
    counted = keys.agg(F.count("*").alias("rows"), F.countDistinct(*KEY).alias("distinct")).first()
    assert counted is not None  # an aggregate without groups has one row
    again = keys.select(*KEY).distinct().join(earlier, [*KEY], "left_semi").count()
    return Books(
        lines_in=sum(lines.values()),
        rows_out=night.read_day(EVENTS, required=False).count(),
        duplicates=counted["rows"] - counted["distinct"] + again,
        quarantined=night.read_day("silver.quarantine", required=False).count(),
        erased=erased_lines.count(night.settings.landing, night.date),
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's books, or fail where they do not hold."""

    def extra(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--accept", action="store_true", help="take the night in though its size or quarantine is odd"
        )

    with job(argv, __doc__, extra, writes=_BOOKS) as night:
        books = count(night)
        before: list[int] = []
        if night.exists(_BOOKS):
            earlier = night.read(_BOOKS).where(F.col("arrival_date") < F.lit(night.date))
            latest = earlier.orderBy(F.desc("arrival_date")).limit(_NIGHTS_BEFORE)
            before = [row.lines_in for row in latest.collect()]
        books.check(before, accept=night.args.accept)
        row = (EVENTS, *astuple(books), night.date)
        night.write(night.spark.createDataFrame([row], contract(_BOOKS).struct_type()))


if __name__ == "__main__":
    main()
