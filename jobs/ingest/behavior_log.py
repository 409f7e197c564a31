"""bronze.behavior_log: the night's behaviour log unchanged, one row per line, with user ids replaced by pseudonyms.

Real ids never enter the lake. The text of the line has the pseudonym in place of the id. An id that is not a whole number is
replaced by `invalid`, because it may still identify the user: such a line is quarantined and can only be corrected in the
landing. Lines of erased users are left out.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest.feeds import BEHAVIOR_LOGS
from jobs.ingest.formats import ERASED
from jobs.ingest.landed import landed_rows
from jobs.platform.job import run_job
from schemas.contract import load_contract

_TABLE = "bronze.behavior_log"


def transform(rows: DataFrame) -> DataFrame:
    """Return the rows of the landing in the columns of the table, without those of erased users.

    Args:
        rows: as returned by `landed_rows`.
    """
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
        context.lake.write(transform(landed_rows(context, BEHAVIOR_LOGS)))


if __name__ == "__main__":
    main()
