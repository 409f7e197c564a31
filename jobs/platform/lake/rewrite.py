"""Rewrites some files of a published day and leaves its other files as they are."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from jobs.platform.lake import commit, stage
from jobs.platform.lake.content_hash import content_hash, with_replaced
from jobs.platform.lake.files import files_of, open_table
from jobs.platform.lake.history import Publication
from jobs.platform.lake.write import audited
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def consists_of(uri: str, contract: Contract, published: Publication) -> bool:
    """True if a day has exactly the files that were published, so that some of them can be rewritten."""
    of_day = {file.path for file in files_of(open_table(uri), contract) if file.day == published.day}
    return of_day == published.files.keys()


def rewrite_files(
    spark: "SparkSession",
    contract: Contract,
    uri: str,
    published: Publication,
    paths: Collection[str],
    transform: "Callable[[DataFrame], DataFrame]",
    expected_token: int,
    made_by: Mapping[str, Any],
) -> int:
    """Replace some files of a day by files with their transformed rows: stage these, audit them, publish them in one commit.

    Only these files are read. The number of rows and the content hash of the day are computed from theirs.

    Args:
        spark: the session.
        contract: the table's contract.
        uri: the table's location.
        published: the day, which `consists_of` its published files.
        paths: the files to replace, below the table; at least one.
        transform: returns the new rows, whose keys must not be those of other files.
        expected_token: the day's `commit.token` when the writer started.
        made_by: how the rows were made; stored in the commit.

    Returns:
        The new version of the table.

    Raises:
        BadInput, Overtaken, Unreadable: as `write.replace_day`.
    """
    from pyspark.sql import functions as F

    before = _rows_of(spark, contract, uri, paths)
    with convert_spark_errors(contract.table):
        columns = [column.name for column in contract.columns]
        totals = before.agg(F.count(F.lit(1)).alias("rows"), content_hash(contract, columns).alias("content")).first()
        assert totals is not None  # an aggregate without groups has one row
        written = stage.write(transform(before), contract, uri, published.day)
    staged = audited(spark, contract, uri, published.day, written)
    kept = [
        replace(file, sha256=published.files[file.path])
        for file in files_of(open_table(uri, version=published.version), contract)
        if file.day == published.day and file.path not in paths
    ]
    whole_day = replace(
        staged,
        rows=published.rows - totals["rows"] + staged.rows,
        content=with_replaced(published.content, totals["content"], staged.content),
        files=(*kept, *staged.files),
    )
    return commit.commit(uri, contract, whole_day, expected_token, made_by)


def _rows_of(spark: "SparkSession", contract: Contract, uri: str, paths: Collection[str]) -> "DataFrame":
    by_attempt: dict[str, list[str]] = {}
    for path in sorted(paths):
        by_attempt.setdefault(path.partition("/")[0], []).append(f"{uri}/{path}")
    schema = contract.struct_type()
    # The values of partition columns are in the paths, below the folder of each attempt.
    frames = (
        spark.read.schema(schema).option("basePath", f"{uri}/{attempt}").parquet(*files)
        for attempt, files in by_attempt.items()
    )
    return reduce(lambda one, other: one.unionByName(other), frames)
