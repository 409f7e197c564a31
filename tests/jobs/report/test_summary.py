"""The summary tells a person what a night has made."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.platform.decisions import VOLUME, Decision
from jobs.platform.lake.history import latest
from jobs.platform.settings import settings
from jobs.report.summary import WIDTH, align_columns, main, summary
from tests.jobs.lake import insert_decisions, insert_rows, publish_rows

DAY = dt.date(2022, 5, 1)
BEFORE = dt.date(2022, 4, 30)
LOG = "behavior_logs/dt=2022-05-01/a.csv.gz"


def events(day: dt.date, *videos: int) -> list[dict[str, object]]:
    return [{"user_id": "0" * 32, "video_id": v, "event_date": day, "arrival_date": day} for v in videos]


def refused(line: int, *reasons: str) -> dict[str, object]:
    quarantined = {"source": "silver.behavior_events", "log_file": LOG, "log_line": line}
    return quarantined | {"reasons": list(reasons), "arrival_date": DAY}


@pytest.fixture
def lake(home: Path) -> Path:
    publish_rows(home, "silver.behavior_events", BEFORE, events(BEFORE, 1, 2, 3))
    publish_rows(home, "silver.behavior_events", DAY, events(DAY, 4, 5))
    counted = {
        "source": "silver.behavior_events",
        "lines_in": 1240,
        "rows_out": 2,
        "duplicates": 1230,
        "quarantined": 8,
    }
    insert_rows(home, "ops.reconciliation", [counted | {"arrival_date": DAY}])
    tabs = [refused(line, f"tab is no int: '{line}x'", "is_like_is_flag: is_like IN (0, 1)") for line in (7, 9)]
    insert_rows(home, "silver.quarantine", [*tabs, *(refused(10 + n, f"reason {n}: x") for n in range(6))])
    return home


def lines_of(home: Path) -> list[str]:
    return list(summary(settings(), DAY))


def test_each_table_has_its_rows_version_and_hash(lake: Path) -> None:
    (events_line,) = [line for line in lines_of(lake) if "silver.behavior_events " in line and "version" not in line][
        :1
    ]
    published = latest(settings().uri("silver.behavior_events"))[DAY]
    assert events_line.split() == ["silver.behavior_events", "2", "5", "2", published.content]


def test_decisions_of_the_night_are_told_with_who_and_why(lake: Path) -> None:
    assert not any(line.startswith("Decisions") for line in lines_of(lake))
    why = "大促" * 60 + "ends"
    sale = Decision(DAY, VOLUME, "behavior_logs", "安娜", why, dt.datetime(2022, 5, 2, 1, 5, tzinfo=dt.UTC))
    insert_decisions(lake, sale, replace(sale, withdrawn=True, made_at=sale.made_at + dt.timedelta(hours=1)))
    insert_decisions(lake, replace(sale, night=BEFORE, who="bo"))
    lines = lines_of(lake)
    told = lines[lines.index(next(line for line in lines if line.startswith("Decisions"))) :]
    assert told[1].startswith("  2022-05-02 09:05  the volume of behavior_logs is right, as 安娜 decided: 大促")
    assert any(line.startswith("  2022-05-02 10:05  withdrawn: the volume") for line in told)
    assert "".join(line.strip() for line in told).count(why) == 2
    assert not any("bo decided" in line for line in lines)


def test_reasons_are_counted_without_the_values_found(lake: Path) -> None:
    lines = lines_of(lake)
    assert "  silver.behavior_events: 1,240 lines, 2 rows, 1,230 duplicates, 8 in quarantine" in lines
    assert "         2  silver.behavior_events: is_like_is_flag" in lines
    (place,) = [i for i, line in enumerate(lines) if line.endswith("silver.behavior_events: tab is no int")]
    assert lines[place].split()[0] == "2"
    assert lines[place + 1].strip() == f"e.g. {LOG} line 7"
    assert "         3  for 3 other reasons" in lines


def test_time_is_told_by_stage(lake: Path) -> None:
    durations = lake / "run" / "durations" / f"{DAY}.json"
    durations.parent.mkdir(parents=True)
    tasks = {"ingest.land": 2.4, "ingest.users": 10.2, "generate": 61.0} | {
        f"recommend.train_{n:>020}": n for n in range(9)
    }
    durations.write_text(json.dumps(tasks))
    lines = lines_of(lake)
    assert "  ingest             13  users 10, land 2" in lines
    assert "  text_to_video      61  generate 61" in lines
    assert any(line.startswith(" " * 25) for line in lines)


def test_videos_are_named_with_their_files(lake: Path) -> None:
    prompts = ["一个美丽的日出景象" * 9, *("sunrise" for _ in range(11))]
    made = [{"path": f"clips/{n:02}.mp4", "prompt": prompt, "date": DAY} for n, prompt in enumerate(prompts)]
    insert_rows(lake, "gold.generated_videos", made)
    lines = lines_of(lake)
    assert f"  clips/00.mp4  {'一个美丽的日出景象' * 9}"[:58] in lines  # 16 columns and 42 characters of two
    assert "  clips/09.mp4  sunrise" in lines
    assert "  and 2 more" in lines


def test_what_can_be_looked_at_is_named(lake: Path) -> None:
    report = lake / "reports" / f"{DAY}.html"
    assert not any(str(report) in line for line in lines_of(lake))
    report.parent.mkdir()
    report.touch()
    assert any(str(report) in line for line in lines_of(lake))


def test_it_fits_a_terminal(lake: Path) -> None:
    assert max(map(len, lines_of(lake))) <= WIDTH


def test_a_night_without_a_row_was_run(lake: Path) -> None:
    empty = dt.date(2022, 5, 2)
    publish_rows(lake, "silver.behavior_events", empty, [])
    lines = list(summary(settings(), empty))
    assert ["silver.behavior_events", "0", "5", "3", "-"] in [line.split() for line in lines]
    assert "  none trained" in lines


def test_a_night_that_was_never_run_is_said_in_one_line(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--date", "2022-05-03"])
    assert stopped.value.code == 66
    printed = capsys.readouterr()
    assert printed.err.endswith(
        "the lake has no data of 2022-05-03; run the night first: make nightly DATE=2022-05-03\n"
    )
    assert not printed.out


def test_columns_are_straight() -> None:
    assert list(align_columns([("a", "1", ""), ("bbb", "22", "c")], right=[1])) == ["  a     1", "  bbb  22  c"]
