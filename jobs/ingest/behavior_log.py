"""bronze.behavior_log: the night's behaviour log as it came, a row a line, with the user id replaced by its pseudonym.

Real ids never enter the lake. The pseudonym goes where the id stood; an id that is no whole number is replaced by `invalid`,
since it may still tell who the user is: such a line is quarantined and can only be mended in the landing. Lines of erased
users are none.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest.feeds import BEHAVIOR_LOGS
from jobs.ingest.formats import ERASED
from jobs.ingest.landed import landed
from jobs.platform.job import run_job
from schemas.contract import load_contract

_TABLE = "bronze.behavior_log"


def transform(rows: DataFrame) -> DataFrame:
    """The rows of the landing, see `landed`, without those of erased users."""
    kept = rows.where(F.coalesce(F.col("problem") != ERASED, F.lit(True)))
    names = rows.select("fields.*").columns
    known = F.map_from_arrays(F.array(*map(F.lit, names)), F.array(*(F.col("fields")[name] for name in names)))
    # The map alone would do, but a struct becomes JSON much faster.
    fields = F.when(F.size("others") == 0, F.to_json("fields")).otherwise(F.to_json(F.map_concat(known, "others")))
    bronze = kept.withColumns({"fields": fields, "header": F.lit(None).cast("string")})
    return bronze.select(*(column.name for column in load_contract(_TABLE).columns))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's bronze rows from its landing."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(transform(landed(context, BEHAVIOR_LOGS)))


if __name__ == "__main__":
    main()
