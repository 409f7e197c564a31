"""From files in other layouts to the rows of a night, as a mapping says."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.ingest.feeds import CAMPAIGNS, NIGHTLY
from jobs.ingest.landed import read
from jobs.ingest.mapping import Mapping
from jobs.ingest.parse import parse
from jobs.platform.errors import UsageError
from jobs.platform.pseudonym import pseudonym
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1

KEY = bytes(32)
FLAGS = {
    name: {"value": "0"}
    for name in (
        *("is_like", "is_follow", "is_comment", "is_forward", "is_hate", "long_view", "play_time_ms", "duration_ms"),
        *("profile_stay_time", "comment_stay_time", "is_profile_enter", "is_rand", "tab"),
    )
}
NOON = 1_651_377_600_000
"""2022-05-01 12:00 in Beijing."""


def rows(spark: SparkSession, path: Path, mapping: dict[str, object]) -> list[Row]:
    """The rows of a file as parse gives them, in the order of its lines."""
    how = Mapping.model_validate(mapping)
    landed = read(spark, {path.name: path}, how, KEY, "Asia/Shanghai").withColumn("arrival_date", F.lit(MAY_1))
    return parse(landed, NIGHTLY[how.feed], settings()).orderBy("log_line").collect()


def log(time: dict[str, str], **others: object) -> dict[str, object]:
    columns = {"user_id": "u", "video_id": "v", "is_click": {"value": "1"}, "time_ms": {"from": "t", **time}, **FLAGS}
    return {"feed": "behavior_logs", "columns": columns, "format": {"compression": "none"}, **others}


@pytest.mark.parametrize(
    ("time", "texts"),
    [
        ({"unit": "s"}, ["1651377600", "1651377600.0", " 1651377600.000"]),
        ({"unit": "ms"}, ["1651377600000", "1651377600000.9"]),
        ({"unit": "us"}, ["1651377600000000", "1651377600000999"]),
        ({"unit": "ns"}, ["1651377600000000000"]),
        (
            {"unit": "iso"},
            ["2022-05-01T04:00:00Z", "2022-05-01 12:00", "2022-05-01T12:00:00.000+0800", "2022-05-01 06:00:00+02"],
        ),
        ({"unit": "iso", "zone": "America/New_York"}, ["2022-05-01 00:00:00", "2022-05-01T04:00:00Z"]),
    ],
)
def test_times_of_any_unit_become_milliseconds(
    home: Path, spark: SparkSession, tmp_path: Path, time: dict[str, str], texts: list[str]
) -> None:
    path = tmp_path / "log.csv"
    path.write_text("u,v,t\n" + "".join(f"1,2,{text}\n" for text in texts) + "1,2,noon\n1,2,12:00 CST\n1,2,\n")
    *sound, noon, zone, none = rows(spark, path, log(time))
    assert [(row.time_ms, row.reasons, row.date, row.hourmin) for row in sound] == [(NOON, [], MAY_1, 1200)] * len(
        texts
    )
    assert "time_ms is no bigint: 'noon'" in noon.reasons
    assert "time_ms is no bigint: '12:00 CST'" in zone.reasons
    assert "time_ms is missing" in none.reasons


def test_all_columns_may_be_constants(home: Path, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "campaigns.csv"
    path.write_text("id\n1\n2\n")
    constants = {name: {"value": "1"} for name in NIGHTLY[CAMPAIGNS].required}
    found = rows(spark, path, {"feed": CAMPAIGNS, "columns": constants, "format": {"compression": "none"}})
    assert [(row.campaign_id, row.tag, row.reasons) for row in found] == [(1, "1", [])] * 2


def test_times_in_the_wrong_unit_are_seen(home: Path, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("u,v,t\n1,2,1651377600\n1,2,1651377600000000\n1,2,1651377600000000000\n")
    seconds, microseconds, nanoseconds = rows(spark, path, log({"unit": "ms"}))
    assert seconds.reasons == ["time_in_seconds: time_ms should be in milliseconds: 1651377600"]
    for row in (microseconds, nanoseconds):
        assert f"time_ms is no time between 1970 and 2100 in milliseconds: {row.time_ms}" in row.reasons


def test_json_lines_and_expressions(home: Path, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    seen = {"u": {"id": "u42"}, "v": 7, "t": 1651377600, "watched": 0.5}
    path.write_text("\n".join([json.dumps(seen), json.dumps(seen | {"watched": None}), "{", ""]))
    mapping = log({"unit": "s"})
    columns = mapping["columns"]
    assert isinstance(columns, dict)
    columns |= {
        "user_id": {"expr": "substring(`u.id`, 2)"},
        "long_view": {"expr": "CASE WHEN try_cast(watched AS DOUBLE) >= 0.5 THEN 1 ELSE 0 END"},
    }
    first, second, broken = rows(spark, path, mapping | {"format": {"kind": "json", "compression": "none"}})
    assert [(row.user_id, row.video_id, row.long_view, row.reasons) for row in (first, second)] == [
        (pseudonym(42, KEY), 7, 1, []),
        (pseudonym(42, KEY), 7, 0, []),
    ]
    assert "u42" not in first.raw
    assert pseudonym(42, KEY) in first.raw
    assert broken.reasons[0].startswith("no JSON: ")
    with pytest.raises(UsageError, match=r"the mapping of behavior_logs has an expression that Spark cannot use: .*"):
        rows(spark, path, {**mapping, "columns": {**columns, "tab": {"expr": "no_such_function(v)"}}})


def test_parquet_and_defaults(home: Path, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    moment = dt.datetime(2022, 5, 1, 4, tzinfo=dt.UTC)
    pq.write_table(
        pa.table(
            {"u": [3.0, 4.5], "v": [7, 8], "t": pa.array([moment] * 2, pa.timestamp("us", "UTC")), "tab": [None, 3]}
        ),
        path,
    )
    mapping = log({"unit": "iso"}, format={"kind": "parquet", "compression": "none"})
    columns = mapping["columns"]
    assert isinstance(columns, dict)
    columns["tab"] = {"from": "tab", "default": "1"}
    whole, half = rows(spark, path, mapping)
    assert (whole.user_id, whole.time_ms, whole.tab, whole.reasons) == (pseudonym(3, KEY), NOON, 1, [])
    assert (half.user_id, half.tab) == ("invalid", 3)
    assert half.reasons == ["user_id_is_pseudonym: user_id RLIKE '^[0-9a-f]{32}$'"]


def test_fractions_with_a_comma(home: Path, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "campaigns.csv"
    lines = ["1;Spring;Acme;food;1;1,50;100", "2;Summer;Acme;food;2;1.50;-", "3;Autumn;Acme;food;3;1.000,5;10"]
    path.write_bytes("\n".join([";".join(NIGHTLY[CAMPAIGNS].required), *lines, ""]).encode("gbk"))
    mapping = {
        "feed": "campaigns",
        "format": {"compression": "none", "delimiter": ";", "encoding": "gbk"},
        "nulls": ("", "-"),
        "decimal_comma": True,
        "columns": {name: name for name in NIGHTLY[CAMPAIGNS].required},
    }
    first, second, third = rows(spark, path, mapping)
    assert (first.bid, first.budget, first.reasons) == (1.5, 100.0, [])
    assert second.reasons == ["bid is no double: '1.50 (its fraction should have a comma)'", "budget is missing"]
    assert third.reasons == ["bid is no double: '1.000,5 (its fraction should have a comm'"]
