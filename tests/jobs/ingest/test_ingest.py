"""The log's way from the landing to silver: nothing is lost, nothing is there twice, and no real user id enters the lake."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession

from jobs.backfill import replay
from jobs.backfill.accept import accept
from jobs.ingest import behavior_log, reconciliation
from jobs.ingest.behavior_events import transform
from jobs.ingest.behavior_rows import EVENTS, parse_bronze
from jobs.ingest.feeds import BEHAVIOR_LOGS
from jobs.ingest.parse import valid_rows
from jobs.platform import decisions
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings as read_settings
from jobs.report import summary
from tests.jobs.ingest.nights import HEADER, MAY_1, MAY_2, NOON_MAY_1, ingest, line, write_landing

DAY_MS = 86_400_000
MIDNIGHT = 1_651_334_400_000
"""2022-05-01 00:00 in Beijing, 16:00 the day before in UTC."""
ID = "987654321987"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Iterator[JobContext]:
    """A night with valid, repeated, late and broken lines, ingested twice."""
    home = tmp_path_factory.mktemp("mixed")
    lines: dict[int, str | bytes] = dict(enumerate([line(n) for n in range(100, 300)], 100))
    lines |= {2: line(1), 3: line(1), 4: line(1, play=7000), 5: line(2), 6: line(2, video_id=3)}
    lines |= {
        10: line(3, time_ms=MIDNIGHT),
        11: line(4, time_ms=MIDNIGHT - 1),
        12: line(5, time_ms=NOON_MAY_1 - 3 * DAY_MS),
    }
    lines |= {13: line(ID), 14: f"{ID},broken"}
    lines |= {20: line(time_ms="soon", click=2, play=-5), 21: "1,2,3", 22: line("me@home"), 23: line(time_ms=-1)}
    lines |= {24: line(time_ms=NOON_MAY_1 + DAY_MS), 25: line(time_ms=NOON_MAY_1 - 4 * DAY_MS)}
    lines |= {26: b"\xff\xfe\x00garbage", 27: ""}
    others = [line(n) for n in range(1000, 1300)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_HOME", str(home))
        patch.setenv("NIGHTREEL_PSEUDONYM_KEY", "5e" * 32)
        write_landing(home, [lines[number] if number in lines else others.pop() for number in range(2, 300)])
        ingest()
        yield ingest()


def of_log(night: JobContext) -> list[Row]:
    """The row counts of the night's log."""
    return night.lake.read_day("ops.reconciliation").where(f"source = '{EVENTS}'").collect()


def test_a_night_balances_and_runs_twice_alike(mixed: JobContext) -> None:
    events = mixed.lake.read(EVENTS).where("log_line <= 6").collect()
    assert sorted((row.video_id, row.play_time_ms) for row in events) == [(2, 5000), (2, 7000), (3, 5000)]
    (counts,) = of_log(mixed)
    assert (counts.lines_in, counts.rows_out, counts.duplicates, counts.quarantined) == (298, 287, 2, 9)


def test_every_reason_is_kept_with_the_raw_text(mixed: JobContext) -> None:
    secret = key(mixed.settings)
    kept = {row.log_line: (row.raw, row.reasons) for row in mixed.lake.read("silver.quarantine").collect()}
    expected = {
        14: (f"{pseudonym(int(ID), secret)},broken", ["19 fields expected, found 2"]),
        20: (
            line(pseudonym(1, secret), time_ms="soon", click=2, play=-5),
            [
                "time_ms is no bigint: 'soon'",
                "is_click_is_flag: is_click IN (0, 1)",
                "play_time_ms_not_negative: play_time_ms >= 0",
            ],
        ),
        21: (f"{pseudonym(1, secret)},2,3", ["19 fields expected, found 3"]),
        22: (line("invalid"), ["user_id_is_pseudonym: user_id RLIKE '^[0-9a-f]{32}$'"]),
        23: (
            line(pseudonym(1, secret), time_ms=-1),
            ["time_ms is no time between 1970 and 2100 in milliseconds: -1"],
        ),
        24: (
            line(pseudonym(1, secret), time_ms=NOON_MAY_1 + DAY_MS),
            ["event_not_after_arrival: event_date <= arrival_date"],
        ),
        25: (
            line(pseudonym(1, secret), time_ms=NOON_MAY_1 - 4 * DAY_MS),
            ["too_late: 4 days after its own day, NIGHTREEL_LATE_DAYS is 3"],
        ),
    }
    assert kept.keys() == expected.keys() | {26, 27}
    assert {number: kept[number] for number in expected} == expected


def test_no_real_id_is_in_the_lake(mixed: JobContext) -> None:
    for table in ("bronze.behavior_log", EVENTS, "silver.quarantine"):
        for row in mixed.lake.read(table).collect():
            assert ID not in str(row)


def test_the_event_day_is_the_beijing_day(mixed: JobContext) -> None:
    """Also of a late row."""
    days = {row.log_line: row.event_date for row in mixed.lake.read(EVENTS).where("log_line IN (10, 11, 12)").collect()}
    assert days == {10: MAY_1, 11: dt.date(2022, 4, 30), 12: dt.date(2022, 4, 28)}


def test_a_row_that_comes_again_the_next_night_is_a_duplicate(home: Path, spark: SparkSession) -> None:
    write_landing(home, [line(1), line(2)])
    ingest()
    write_landing(home, [line(1), line(3), line(4, time_ms=NOON_MAY_1 + 86_400_000)], MAY_2)
    night = ingest(MAY_2)
    arrived = {row.log_line: row.event_date for row in night.lake.read_day(EVENTS).collect()}
    assert arrived == {3: MAY_1, 4: MAY_2}
    (counts,) = of_log(night)
    assert (counts.lines_in, counts.rows_out, counts.duplicates) == (3, 2, 1)


def test_an_odd_night_stops_and_can_be_accepted(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = [line(n) for n in range(10)]
    broken = "2 of 12 lines of behavior_logs are in quarantine, over 5 %: 2 × 19 fields expected, found 1"
    many = "200 lines of behavior_logs, but the nights before had 10 on average"
    write_landing(home, usual)
    ingest()
    for lines, said in (([*usual, "x", "y"], broken), ([line(n) for n in range(200)], many)):
        write_landing(home, lines, MAY_2)
        with pytest.raises(SystemExit) as ended:
            ingest(MAY_2)
        assert ended.value.code == 65
        error = capsys.readouterr().err.splitlines()[-1]
        assert said in error
        assert "make accept DATE=2022-05-02 AS=volume OF=behavior_logs WHY=…" in error
    accept(JobContext(MAY_2, read_settings(), writes=decisions.TABLE), decisions.VOLUME, BEHAVIOR_LOGS, "ann", "a sale")
    for _ in range(2):
        reconciliation.main(["--date", str(MAY_2)])
        (counts,) = of_log(JobContext(MAY_2, read_settings()))
        assert "as ann decided: a sale" in counts.decision


def test_rows_that_are_lost_on_the_way_are_noticed(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    write_landing(home, [line(n) for n in range(10)])
    ingest()
    night = JobContext(MAY_1, read_settings(), writes=EVENTS)
    night.lake.write(night.lake.read_day(EVENTS).where("log_line > 3"))
    with pytest.raises(SystemExit):
        reconciliation.main(["--date", str(MAY_1)])
    assert (
        "the row counts of behavior_logs do not add up: 10 lines in, but 8 rows + 0 duplicates + 0 quarantined + 0 erased = 8"
        in capsys.readouterr().err
    )


FIELD = st.one_of(st.integers(-2, 3).map(str), st.sampled_from(["", "x", "9" * 25, "1e3", "１"]))
ROW = st.one_of(
    st.builds(
        line, st.integers(0, 3), st.integers(0, 2), st.integers(0, 2).map(lambda n: NOON_MAY_1 + n), st.integers(0, 3)
    ),
    st.builds(line, FIELD, FIELD, FIELD, FIELD, FIELD),
    st.lists(FIELD, max_size=25).map(",".join),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=60), order=st.randoms(use_true_random=False))
def test_every_line_is_accounted_for_in_any_order(
    home: Path, spark: SparkSession, rows: list[str], order: object
) -> None:
    """in = out + duplicates + quarantined, and the events do not depend on the order of the lines."""
    found = []
    for shuffled in (rows, order.sample(rows, len(rows))):  # type: ignore[attr-defined]
        bronze = spark.createDataFrame(
            [(raw.replace(raw.split(",")[0], "0" * 31 + raw[:1], 1), "f", n, MAY_1) for n, raw in enumerate(shuffled)],
            "raw string, log_file string, log_line bigint, arrival_date date",
        )
        parsed = parse_bronze(bronze, read_settings())
        kept = valid_rows(parsed)
        events = transform(kept, kept.limit(0)).drop("log_line").collect()
        distinct = {(row.user_id, row.video_id, row.time_ms) for row in kept.collect()}
        assert len(events) == len(distinct)
        assert kept.count() + parsed.where("size(reasons) > 0").count() == len(rows)
        found.append(sorted(map(tuple, events)))
    assert found[0] == found[1]


def test_bad_landings_are_refused_before_anything_is_written(home: Path, spark: SparkSession) -> None:
    folder = write_landing(home, [line(1)])
    whole = (folder / "log.csv.gz").read_bytes()
    for damage in (whole[:-9], b"", whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]):
        (folder / "log.csv.gz").write_bytes(damage)
        with pytest.raises(SystemExit) as ended:
            behavior_log.main(["--date", str(MAY_1)])
        assert ended.value.code == 65
        assert not JobContext(MAY_1, read_settings()).lake.has_day("bronze.behavior_log", MAY_1)


def test_columns_that_the_log_adds_are_kept_and_reported(
    home: Path, spark: SparkSession, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(user) + ",phone" for user in range(30)]
    folder = write_landing(home, [*lines, line(30) + ",tablet", line(31)], header=HEADER + ",device")
    night = ingest()
    assert f"{folder / 'log.csv.gz'} has unknown columns: device" in caplog.text
    assert night.lake.read_day("silver.behavior_events").count() == 31
    kept = {row.raw.rpartition(",")[2] for row in night.lake.read_day("bronze.behavior_log").collect()}
    assert {"phone", "tablet"} < kept
    (refused,) = night.lake.read_day("silver.quarantine").collect()
    assert refused.reasons == ["20 fields expected, found 19"]
    assert replay.count_passing(night, EVENTS, "") == {}
    summary.main(["--date", str(MAY_1)])
    assert "the log has columns that no job uses; bronze keeps them: device" in capsys.readouterr().out
