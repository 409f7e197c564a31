"""Reads files with Spark, one task per file."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema


def map_files(
    spark: SparkSession,
    files: Mapping[str, Path],
    batches: Callable[[str, Path], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
) -> DataFrame:
    """Return the batches of all files as one data frame.

    Args:
        spark: the session whose executors read the files.
        files: name -> path.
        batches: reads the file with the given name and path.
        schema: of the batches.
    """
    names_and_paths = [(name, str(path)) for name, path in files.items()]

    def run(indices: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in indices:
            for index in batch.column(0).to_pylist():
                name, path = names_and_paths[index]
                yield from batches(name, Path(path))

    return spark.range(len(names_and_paths), numPartitions=len(names_and_paths)).mapInArrow(
        run, from_arrow_schema(schema)
    )
