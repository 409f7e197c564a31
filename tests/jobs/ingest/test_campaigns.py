from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.ingest import campaigns
from jobs.ingest.feeds import CAMPAIGNS
from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1, ingest, line, write_feed, write_landing

ROWS = (
    "1,summer·美食,店,美食,10,0.5,100.0",
    "1,summer·美食,店,美食,11,0.5,100.0",
    '2,"soap, big",maker,健康,10,1.25,0',
)


def _row(number: int, name: str, advertiser: str, tag: str, video: int, bid: float, budget: float) -> dict[str, object]:
    return {
        "campaign_id": number,
        "name": name,
        "advertiser": advertiser,
        "tag": tag,
        "video_id": video,
        "bid": bid,
        "budget": budget,
        "arrival_date": MAY_1,
    }


def test_campaigns_are_typed_a_row_a_campaign_and_video(spark: SparkSession, home: Path) -> None:
    write_feed(home, CAMPAIGNS, ROWS)
    campaigns.main(["--date", str(MAY_1)])
    found = JobContext(MAY_1, settings()).lake.arrow("silver.campaigns").to_table()
    assert found.sort_by([("campaign_id", "ascending"), ("video_id", "ascending")]).to_pylist() == [
        _row(1, "summer·美食", "店", "美食", 10, 0.5, 100.0),
        _row(1, "summer·美食", "店", "美食", 11, 0.5, 100.0),
        _row(2, "soap, big", "maker", "健康", 10, 1.25, 0.0),
    ]


def test_a_night_without_campaigns_is_one_clear_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        campaigns.main(["--date", str(MAY_1)])
    assert ended.value.code == MissingInput.exit_code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: missing input: ")
    assert "land the campaigns of 2022-05-01" in last


BAD = {
    "3,n,a,t,ten,1.0,1.0": "video_id is no bigint: 'ten'",
    "3,n,a,t,10,0,1.0": "bid_positive: bid > 0",
    "3,n,a,t,10,NaN,1.0": "bid is no double: 'NaN'",
    "3,n,a,t,10,1,1e999": "budget is no double: '1e999'",
    "3,n,,t,10,1.0,1.0": "advertiser is missing",
    "3,n,a,t,10,1,50,100": "7 fields expected, found 8",
}


def test_rows_that_cannot_be_used_are_kept_aside_and_the_others_go_on(spark: SparkSession, home: Path) -> None:
    many = [f"{n},name,maker,food,{n},1,1" for n in range(100, 300)]
    write_landing(home, [line(n) for n in range(30)])
    write_feed(home, CAMPAIGNS, [*ROWS, ROWS[0], *many, *BAD])
    night = ingest()
    assert night.lake.read("silver.campaigns").count() == len(ROWS) + len(many)
    aside = night.lake.read("silver.quarantine").collect()
    assert {row.source for row in aside} == {"silver.campaigns"}
    assert {row.raw: row.reasons for row in aside} == {raw: [reason] for raw, reason in BAD.items()}
    (books,) = night.lake.read("ops.reconciliation").where("source = 'silver.campaigns'").collect()
    assert (books.lines_in, books.rows_out, books.duplicates, books.quarantined) == (210, 203, 1, 6)
