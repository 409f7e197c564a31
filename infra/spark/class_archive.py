"""Write an archive of the classes that Spark loads. Later JVMs map it into memory instead of loading and verifying each class.

Java calls this class data sharing. `make setup` runs ``python -m infra.spark.class_archive``. On 2 cores a Spark Connect server
ran its first Delta query, write and join in 30 s of CPU time with the archive, and in 44 s without.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra import durable
from infra.spark import launch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def write_archive() -> None:
    """Run some typical queries in a JVM that writes the archive when it ends.

    Raises:
        OSError: the JVM wrote no archive.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    launch.CLASS_ARCHIVE.unlink(missing_ok=True)
    with durable.replacing(launch.CLASS_ARCHIVE) as draft, tempfile.TemporaryDirectory() as folder:
        os.environ.update(launch.variables())
        # No warning for each class that cannot be archived, such as generated classes.
        os.environ["SPARK_SUBMIT_OPTS"] += (
            f' "-XX:ArchiveClassesAtExit={draft}" -Xlog:cds=error -Xlog:cds+dynamic=error'
        )
        os.chdir(folder)
        spark = SparkSession.builder.getOrCreate()
        _run_queries(spark, Path(folder))
        spark.stop()
        gateway = SparkContext._gateway
        assert gateway is not None  # created with the session
        gateway.shutdown()
        gateway.proc.stdin.close()  # the JVM ends when its input does
        gateway.proc.wait()


def _run_queries(spark: "SparkSession", folder: Path) -> None:
    """Load the classes that most jobs need: Delta, Parquet, joins, windows, aggregations, Arrow and Python workers."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rows = spark.range(1000).select("id", F.col("id").cast("string").alias("user"), (F.col("id") % 2).alias("day"))
    rows.write.format("delta").option("compression", "zstd").partitionBy("day").save(f"{folder}/table")
    table = spark.read.format("delta").load(f"{folder}/table")
    best = F.row_number().over(Window.partitionBy("day").orderBy("id"))
    table.join(table.groupBy("user").count(), "user").withColumn("place", best).where("place < 9").collect()
    hashes = F.xxhash64("id", "user").cast("decimal(20,0)")
    table.agg(F.count_distinct("id", "user"), F.sum(hashes), F.count_if(F.expr("day = 0"))).collect()
    table.mapInArrow(lambda batches: batches, table.schema).write.partitionBy("day").parquet(f"{folder}/files")
    files = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(f"{folder}/files")
    files.select(F.sha2("content", 256)).collect()


if __name__ == "__main__":
    write_archive()
