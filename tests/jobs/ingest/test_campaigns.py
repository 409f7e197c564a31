import gzip
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.ingest import campaigns, landing
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.night import Night
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1

HEADER = ",".join(landing.COLUMNS[landing.CAMPAIGNS])
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


def lay(home: Path, *lines: str) -> None:
    def write(aside: Path) -> None:
        (aside / "campaigns.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *lines, ""]).encode()))

    landing.lay(landing.folder(home / "landing", landing.CAMPAIGNS, MAY_1), write)


def test_campaigns_are_typed_a_row_a_campaign_and_video(spark: SparkSession, home: Path) -> None:
    lay(home, *ROWS)
    campaigns.main(["--date", str(MAY_1)])
    found = Night(MAY_1, settings()).arrow("silver.campaigns").to_table()
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


@pytest.mark.parametrize(
    "bad",
    [
        "3,n,a,t,ten,1.0,1.0",  # no number
        "3,n,a,t,10,0,1.0",  # breaks the contract's rule on bids
        "3,n,,t,10,1.0,1.0",  # nobody pays
        ROWS[0],  # twice
    ],
)
def test_a_bad_row_stops_the_night_and_leaves_the_table_alone(spark: SparkSession, home: Path, bad: str) -> None:
    lay(home, *ROWS)
    campaigns.main(["--date", str(MAY_1)])
    lay(home, *ROWS, bad)
    with pytest.raises(SystemExit) as ended:
        campaigns.main(["--date", str(MAY_1)])
    assert ended.value.code == BadInput.exit_code
    assert Night(MAY_1, settings()).arrow("silver.campaigns").count_rows() == len(ROWS)
