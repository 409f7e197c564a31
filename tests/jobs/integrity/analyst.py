"""What others do to a table of the lake beside our jobs, with delta-rs and in Spark SQL."""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from jobs.platform import lake
from jobs.platform.lake import commit
from jobs.platform.lake.content_hash import content_hash
from jobs.platform.settings import settings
from jobs.platform.spark import session
from schemas.contract import load_contract
from tests import publishing
from tests.jobs.lake import arrow

TABLE = "silver.campaigns"
DAYS = tuple(dt.date(2022, 5, 1) + dt.timedelta(days=n) for n in range(3))


def uri() -> str:
    """Where the table lies."""
    return settings().uri(TABLE)


def rows(day: dt.date, said: str, count: int = 20) -> pa.Table:
    """Rows of a day that differ by `said`."""
    ours = [{"campaign_id": n, "name": said, "video_id": n, "bid": 1.0, "arrival_date": day} for n in range(count)]
    return arrow(TABLE, ours)


def publish_day(day: dt.date, said: str) -> None:
    """Publish a day in two small files, which are worth joining."""
    contract, at = load_contract(TABLE), uri()
    lake.create(contract, at)
    seen = commit.token(at, day)
    of_day = rows(day, said)
    staged = publishing.stage(at, contract, day, of_day[:10], of_day[10:], content=_content(day, said))
    commit.commit(at, contract, staged, seen, {"run": "test", "inputs": {}})


@cache
def _content(day: dt.date, said: str) -> str:
    """Content hash of the rows, which `make verify` compares with those of the files that others wrote."""
    frame = session().createDataFrame(rows(day, said), load_contract(TABLE).struct_type())
    (found,) = frame.agg(content_hash(load_contract(TABLE), frame.columns)).collect()
    return str(found[0])


def publish_days() -> None:
    """Publish all days, the first of them twice."""
    for day, said in [(DAYS[0], "old"), *((day, "first") for day in DAYS)]:
        publish_day(day, said)


def read() -> dict[dt.date, list[tuple[int, str, float]]]:
    """What the rows of each day say, as any engine reads them; nothing for a day whose files were deleted."""
    table = DeltaTable(uri())
    days = {partition["arrival_date"] for partition in table.partitions()}
    return {dt.date.fromisoformat(str(day)): _read_day(table, str(day)) for day in days}


def _read_day(table: DeltaTable, day: str) -> list[tuple[int, str, float]]:
    try:
        rows = table.to_pyarrow_table(filters=[("arrival_date", "=", dt.date.fromisoformat(day))]).to_pylist()
    except FileNotFoundError:
        return []
    return sorted((row["campaign_id"], row["name"], row["bid"]) for row in rows)


def says(day: dt.date, said: str, count: int = 20) -> list[tuple[int, str, float]]:
    """What `read` finds of a day that was published so."""
    return sorted((row["campaign_id"], row["name"], row["bid"]) for row in rows(day, said, count).to_pylist())


def _vacuum(table: DeltaTable) -> None:
    table.vacuum(0, enforce_retention_duration=False, dry_run=False)


def _merge(table: DeltaTable) -> None:
    source = rows(DAYS[1], "merged", 3)
    merge = table.merge(
        source, "t.campaign_id = s.campaign_id and t.arrival_date = s.arrival_date", source_alias="s", target_alias="t"
    )
    merge.when_matched_update({"name": "s.name"}).execute()


Act = Callable[[DeltaTable], Any]
REARRANGES: Mapping[str, Act] = {
    "compact": lambda table: table.optimize.compact(),
    "z-order": lambda table: table.optimize.z_order(["video_id"]),
    "vacuum": _vacuum,
    "add a property": lambda table: table.alter.set_table_properties({"who": "me"}, raise_if_not_exists=False),
}
CHANGES: Mapping[str, Act] = {
    "update": lambda table: table.update(updates={"bid": "2.5"}, predicate="campaign_id = 3"),
    "delete": lambda table: table.delete(f"arrival_date = '{DAYS[0]}' and campaign_id < 5"),
    "delete a day": lambda table: table.delete(f"arrival_date = '{DAYS[2]}'"),
    "append": lambda table: write_deltalake(table, rows(DAYS[1], "extra", 2), mode="append"),
    "append a row that is there": lambda table: write_deltalake(table, rows(DAYS[0], "first", 1), mode="append"),
    "append a day": lambda table: write_deltalake(table, rows(dt.date(2022, 5, 9), "extra", 2), mode="append"),
    "overwrite": lambda table: write_deltalake(table, rows(DAYS[0], "mine", 5), mode="overwrite"),
    "merge": _merge,
    "restore": lambda table: table.restore(2, ignore_missing_files=True),
}
SQL_REARRANGES = {"optimize": "OPTIMIZE {table}", "z-order": "OPTIMIZE {table} ZORDER BY (video_id)"}
SQL_CHANGES = {
    "UPDATE": "UPDATE {table} SET bid = 2.5 WHERE campaign_id = 3",
    "DELETE": "DELETE FROM {table} WHERE campaign_id < 5",
    "WRITE": "INSERT INTO {table} SELECT * FROM {table} WHERE campaign_id = 7",
    "MERGE": "MERGE INTO {table} t USING (SELECT 9 AS id) s ON t.campaign_id = s.id WHEN MATCHED THEN DELETE",
    "RESTORE": "RESTORE {table} TO VERSION AS OF 2",
}
SQL_RESHAPES = {
    "add a column": "ALTER TABLE {table} ADD COLUMN (note string)",
    "allow null": "ALTER TABLE {table} ALTER COLUMN bid DROP NOT NULL",
    "deletion vectors": "ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
}


def in_spark(spark: SparkSession, statement: str) -> None:
    """Run a statement on the table, with a remark."""
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", "a trial")
    try:
        spark.sql(statement.format(table=f"delta.`{uri()}`")).collect()
    finally:
        spark.conf.unset("spark.databricks.delta.commitInfo.userMetadata")
