"""Reads files with Spark, by default one task per file."""

import math
import os
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from infra.storage import Location, location, store_settings


def map_files(
    spark: SparkSession,
    files: Mapping[str, Location],
    batches: Callable[[str, Location], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
    files_per_task: int = 1,
) -> DataFrame:
    """Return the batches of all files as one data frame.

    Args:
        spark: the session whose executors read the files.
        files: name -> path.
        batches: reads the file with the given name and path.
        schema: of the batches.
        files_per_task: more than one if a file may be read faster than a task starts.
    """
    names_and_paths = [(name, str(path)) for name, path in files.items()]
    # Executors reach the object store as this process does, which is also how Spark itself passes these settings on.
    settings = store_settings()

    def run(indices: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        os.environ.update(settings)
        for batch in indices:
            for index in batch.column(0).to_pylist():
                name, path = names_and_paths[index]
                yield from batches(name, location(path))

    tasks = max(1, math.ceil(len(names_and_paths) / files_per_task))
    return spark.range(len(names_and_paths), numPartitions=tasks).mapInArrow(run, from_arrow_schema(schema))
