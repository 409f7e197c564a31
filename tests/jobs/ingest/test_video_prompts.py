"""Video prompts, an optional feed: what users wrote is kept as it is, and only what the app has broken is quarantined."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.backfill.stale_days import stale_days
from jobs.ingest import land
from jobs.platform import decisions
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1, MAY_2, ingest, line, write_landing, write_prompts

TABLE = "silver.video_prompts"
CAT = {"request": "a", "user": 7, "text": "a cat"}


def rows(night: JobContext) -> dict[str, dict[str, object]]:
    return {row.request: row.asDict() for row in night.lake.read_day(TABLE).collect()}


def books(night: JobContext) -> tuple[int, int, int, int]:
    (row,) = night.lake.read_day("ops.reconciliation").where(f"source = '{TABLE}'").collect()
    return row.lines_in, row.rows_out, row.duplicates, row.quarantined


def test_what_users_wrote_is_kept_and_broken_lines_are_quarantined(home: Path, spark: SparkSession) -> None:
    write_landing(home, [line(n) for n in range(30)])
    options = {"language": "zh", "seconds": 2.5, "size": "64x64", "style": "oil", "generator": "vae", "seed": -3}
    sound = [CAT | {"request": f"{n}"} for n in range(20)]
    strange = [
        CAT | {"request": "options", "text": "NULL", **options},
        {"request": "no text", "user": "7.0"},
        CAT | {"request": "empty", "text": ""},
        CAT | {"request": "object", "text": {"a": "b"}},
        CAT | {"request": "list", "text": ["x\n\0"], "more": 1},
    ]
    write_prompts(home, *sound, sound[0], *strange, '{"request": "half", "user": 7, "text": "a c')
    night = ingest()
    found = rows(night)
    assert books(night) == (27, 25, 1, 1)
    assert {row["user_id"] for row in found.values()} == {pseudonym(7, key(settings()))}
    assert found["options"] == {
        "request": "options", "user_id": pseudonym(7, key(settings())), "text": "NULL", "requested_language": "zh",
        "requested_seconds": "2.5", "requested_size": "64x64", "requested_style": "oil", "requested_generator": "vae",
        "requested_seed": "-3", "arrival_date": MAY_1,
    }  # fmt: skip
    texts = {name: found[name]["text"] for name in ("no text", "empty", "object", "list")}
    assert texts == {"no text": None, "empty": None, "object": None, "list": '["x\\n\\u0000"]'}
    (broken,) = night.lake.read_day("silver.quarantine").collect()
    assert (broken.source, broken.user_id, broken.reasons[0][:8]) == (TABLE, "invalid", "no JSON:")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"user": 7, "text": "a cat"}, "request is missing"),
        (CAT | {"request": "  "}, "request_not_blank"),
        (CAT | {"request": "x" * 201}, "request_at_most_200_characters"),
        ({"request": "b", "text": "a cat"}, "user_id_is_pseudonym"),
        (CAT | {"request": "b", "user": "me"}, "user_id_is_pseudonym"),
        (CAT | {"text": "a dog"}, "other_values"),
    ],
)
def test_a_line_that_names_no_request_or_user_is_quarantined(
    home: Path, spark: SparkSession, broken: object, reason: str
) -> None:
    write_landing(home, [line(n) for n in range(30)])
    write_prompts(home, CAT, broken)
    night = ingest()
    assert list(rows(night)) == ["a"]
    (row,) = night.lake.read_day("silver.quarantine").collect()
    assert [text.partition(":")[0] for text in row.reasons] == [reason]


def test_a_night_without_the_feed_has_no_rows_and_is_stale_when_it_lands_late(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")
    for date in (MAY_1, MAY_2):
        write_landing(home, [line(n) for n in range(30)], date)
    write_prompts(home, *(CAT | {"request": f"{n}"} for n in range(30)))
    for date in (MAY_1, MAY_2):
        land.main(["--date", str(date)])
        night = ingest(date)
    assert (books(JobContext(MAY_1, settings())), books(night)) == ((30, 30, 0, 0), (0, 0, 0, 0))
    assert night.lake.has_day(TABLE, MAY_2)
    assert stale_days(settings(), MAY_2) == []
    write_prompts(home, CAT, date=MAY_2)
    stale = {(s.night, s.table): s.reasons for s in stale_days(settings(), MAY_2)}
    assert stale[MAY_2, TABLE] == ("the landing of video_prompts changed",)


def test_an_incomplete_feed_stops_the_night(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")
    write_landing(home, [line(1)])
    (write_prompts(home, CAT) / "_SUCCESS").unlink()
    with pytest.raises(SystemExit) as stopped:
        land.main(["--date", str(MAY_1)])
    assert stopped.value.code == 66
    assert "is not complete: it has no _SUCCESS; land the video_prompts of 2022-05-01" in capsys.readouterr().err


def test_too_many_broken_lines_wait_for_the_operator(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    write_landing(home, [line(n) for n in range(30)])
    write_prompts(home, CAT, "{", "[")
    with pytest.raises(SystemExit):
        ingest()
    assert decisions.hint(MAY_1, decisions.VOLUME, "video_prompts") in capsys.readouterr().err
