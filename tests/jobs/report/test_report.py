"""The nightly report: whole, self-contained, the same each time, and about the night only."""

import base64
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from jobs.platform.decisions import VOLUME, Decision
from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.platform.tracking import ModelVersion
from jobs.query.duckdb_views import connect
from jobs.report import report_data, report_plots
from jobs.report.report import main, write_report
from tests.jobs.lake import insert_decisions, insert_rows, publish_rows

DAY = dt.date(2022, 5, 8)
WEEK = dt.timedelta(days=7)
BEIJING_9_AM = 1651971600000  # of DAY


def events(day: dt.date, videos: list[int], **values: object) -> list[dict[str, object]]:
    at = {"time_ms": BEIJING_9_AM + (day - DAY).days * 86_400_000, "event_date": day, "arrival_date": day}
    return [{"user_id": f"{n:032x}", "video_id": v, "play_time_ms": 1000} | at | values for n, v in enumerate(videos)]


@pytest.fixture
def lake(home: Path) -> Path:
    """Food was watched a week ago, travel is now; the next night is in the lake already."""
    insert_rows(home, "silver.behavior_events", events(DAY - WEEK, [1, 1, 1, 2]))
    insert_rows(home, "silver.behavior_events", events(DAY, [1, 2, 2, 2, 2]))
    insert_rows(
        home,
        "silver.videos",
        [{"video_id": v, "tags": [t], "visible": True, "arrival_date": DAY} for v, t in TAGS.items()],
    )
    counted = {"source": "silver.behavior_events", "lines_in": 8, "rows_out": 5, "duplicates": 2, "quarantined": 1}
    insert_rows(home, "ops.reconciliation", [counted | {"arrival_date": DAY}])
    reason = {"reasons": ["<b>tab</b> is no int: 'x'"], "log_file": "a.csv.gz", "log_line": 3}
    insert_rows(home, "silver.quarantine", [reason | {"source": "silver.behavior_events", "arrival_date": DAY}])
    made = {"model_version": "als-2022-05-08-1234abcd", "date": DAY}
    insert_rows(
        home, "gold.recommendations", [made | {"user_id": u, "rank": 1, "video_id": v} for u, v in (("a", 1), ("b", 2))]
    )
    insert_rows(home, "silver.campaigns", [{"campaign_id": 5, "name": "春游季", "tag": "旅游", "arrival_date": DAY}])
    aimed = {"campaign_id": 5, "segment": "likely", "date": DAY}
    insert_rows(
        home,
        "gold.audience_segments",
        [aimed | {"user_id": u, "expected_ctr": p} for u, p in (("a", 0.25), ("b", 0.75))],
    )
    watched = {"generator_version": "vae-1", "impressions": 10, "tag_impressions": 100}
    yesterday = DAY - dt.timedelta(days=1)
    insert_rows(
        home,
        "gold.video_feedback",
        [
            watched | {"video_id": 7, "long_views": 4, "tag_long_views": 20, "date": yesterday},
            watched | {"video_id": 8, "long_views": 2, "tag_long_views": 10, "date": yesterday},
            watched | {"video_id": 8, "long_views": 10, "date": DAY},
        ],
    )
    sheets = home / "videos" / "contact_sheets"
    sheets.mkdir(parents=True)
    for day, colour in ((DAY - WEEK, "red"), (DAY + WEEK, "blue")):
        Image.new("RGB", (4, 4), colour).save(sheets / f"{day}.png")
    return home


TAGS = {1: "美食", 2: "旅游", 3: "健康"}


def report(date: dt.date = DAY) -> str:
    return write_report(JobContext(date, settings())).read_text(encoding="utf-8")


def text_of(html: str) -> str:
    without = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without))


def test_it_tells_the_night(lake: Path) -> None:
    text = text_of(report())
    for said in (
        *("Night of 2022-05-08", "Sunday", "1 rows in quarantine", "+25.0% on the previous night"),
        *("旅游 4 80.0 % +55.00", "美食 1 20.0 % -55.00"),
        "vae-1 2 20 0.0 % (0.0 %) 30.0 % (15.0 %)",
        *("2 users get 2 different videos, 66.7 % of the 3 visible videos", "als-2022-05-08-1234abcd"),
        *(
            "春游季",
            "likely 2 50.0 %",
            "2022-05-08 silver.behavior_events 8 5 2 1 12.50 %",
            "Generated videos of 2022-05-01",
        ),
    ):
        assert said in text


def test_it_tells_what_people_decided_about_the_night_and_what_its_books_go_by(lake: Path) -> None:
    assert "Decisions" not in text_of(report())
    sale = Decision(DAY, VOLUME, "behavior_logs", "anna", "<b>sale</b>", dt.datetime(2022, 5, 9, 1, 5, tzinfo=dt.UTC))
    insert_decisions(lake, sale, replace(sale, withdrawn=True, made_at=sale.made_at + dt.timedelta(hours=1)))
    insert_decisions(lake, replace(sale, night=DAY + dt.timedelta(days=1), who="bo"))
    insert_rows(lake, "ops.reconciliation", [{"source": "users", "decision": str(sale), "arrival_date": DAY}])
    html = report()
    assert "<b>sale" not in html
    text = text_of(html)
    what = "the volume of behavior_logs is right"
    assert f"2022-05-09 09:05 {what} anna &lt;b&gt;sale&lt;/b&gt;" in text
    assert f"2022-05-09 10:05 withdrawn: {what} anna" in text
    assert f"2022-05-08: {what}, as anna decided: &lt;b&gt;sale" in text
    assert " bo " not in text


def test_it_needs_nothing_beside_it(lake: Path) -> None:
    html = report()
    assert set(re.findall(r'(?:src|href)="([a-z+/]+:[a-z+/]+)', html)) == {"data:image/svg+xml", "data:image/png"}
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert "@import" not in html
    assert "url(" not in html


def test_text_from_the_logs_is_not_taken_for_html(lake: Path) -> None:
    assert "&lt;b&gt;tab&lt;/b&gt; is no int" in report()


def test_the_same_lake_gives_the_same_report(lake: Path) -> None:
    assert report() == report()


def test_what_came_later_changes_nothing(lake: Path) -> None:
    before = report()
    insert_rows(lake, "silver.behavior_events", events(DAY + dt.timedelta(days=1), [3] * 9))
    insert_rows(
        lake, "silver.behavior_events", events(DAY, [3] * 9, arrival_date=DAY + dt.timedelta(days=1))
    )  # late rows of the night
    insert_rows(lake, "silver.videos", [{"video_id": 1, "tags": ["汽车"], "arrival_date": DAY + dt.timedelta(days=1)}])
    assert report() == before


def test_a_lake_of_one_night_has_no_week_before(home: Path) -> None:
    insert_rows(home, "silver.behavior_events", events(DAY, [1, 2, 2]))
    insert_rows(home, "silver.videos", [{"video_id": v, "tags": [t], "arrival_date": DAY} for v, t in TAGS.items()])
    text = text_of(report())
    assert "The lake has no data of the previous week, so the most viewed come first." in text
    assert text.index("旅游 2 66.7 %") < text.index("美食 1 33.3 %")
    assert "No model was trained for this night." in text


def test_a_night_without_an_event_has_a_report(lake: Path) -> None:
    empty = DAY + dt.timedelta(days=1)
    for table in ("silver.behavior_events", "silver.videos"):
        publish_rows(lake, table, empty, [])
    text = text_of(report(empty))
    assert "0 events -100.0% on the previous night" in text
    assert "– long views" in text
    assert "Night of 2022-05-09" in text


def test_a_night_that_was_not_run_leaves_no_report(lake: Path) -> None:
    with pytest.raises(MissingInput, match=r"silver\.behavior_events has no rows for 2022-05-20; run the night first"):
        report(dt.date(2022, 5, 20))
    assert not (lake / "reports").exists()


def test_a_report_is_replaced_as_a_whole(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--date", str(DAY)])
    path = Path(capsys.readouterr().out.strip())
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(report_plots, "hours", lambda rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["--date", str(DAY)])
    assert path.read_text(encoding="utf-8") == before
    assert [found.name for found in path.parent.iterdir()] == ["2022-05-08.html"]


def test_hours_are_those_of_the_lake(lake: Path) -> None:
    hours = report_data.hours(connect(settings()), DAY, settings().timezone)
    assert [row["hour"] for row in hours] == list(range(24))
    assert {row["hour"]: row["on_day"] for row in hours if row["on_day"]} == {9: 5}


def test_gains_are_shares_and_sum_to_nothing(lake: Path) -> None:
    connection = connect(settings())
    report_data.create_temp_tables(connection, DAY)
    moved = report_data.top_categories(connection)
    assert sum(row["share"] for row in moved) == pytest.approx(1)
    assert sum(row["gain"] for row in moved) == pytest.approx(0)


def test_models_are_plotted_by_night() -> None:
    def versions() -> Iterator[ModelVersion]:
        for n in range(20):
            night = DAY + dt.timedelta(days=n)
            for family in ("als", "ease"):
                yield ModelVersion(
                    "recommender", f"{family}-{n}", family, night, {"ndcg_at_20": n / 20}, "1", family == "als"
                )

    plot = report_plots.metrics_by_night(list(versions()), ["ndcg_at_20"])
    assert plot.startswith("data:image/svg+xml;base64,")
    assert plot == report_plots.metrics_by_night(list(versions()), ["ndcg_at_20"])
    unmeasured = [replace(version, metrics={}) for version in versions()]
    assert report_plots.metrics_by_night(unmeasured, ["ndcg_at_20"]) != plot


def test_each_family_keeps_its_colour_and_rings_mark_the_promoted() -> None:
    def colours(promoted: bool) -> list[str]:
        families = "abcdef"
        versions = [
            ModelVersion("recommender", f, f, DAY + dt.timedelta(days=n), {"auc": ord(f) / n}, "1", promoted)
            for f in families
            for n in (1, 2)
        ]
        svg = base64.b64decode(report_plots.metrics_by_night(versions, ["auc"]).partition(",")[2]).decode()
        return list(dict.fromkeys(re.findall(r"fill: none; stroke: (#[0-9a-f]{6}); stroke-width: 1.5", svg)))

    assert len(colours(promoted=False)) == 6
    assert colours(promoted=True) == colours(promoted=False)


def test_calibration_shows_the_values_that_were_shown_most() -> None:
    groups = [{"value": str(n), "impressions": 100 + n, "expected": 10.0, "observed": n} for n in range(12)]
    plot = report_plots.calibration({"tab": groups})
    assert plot == report_plots.calibration({"tab": list(reversed(groups))})
    assert plot == report_plots.calibration({"tab": groups[4:]})
    assert plot != report_plots.calibration({"tab": groups[:8]})
