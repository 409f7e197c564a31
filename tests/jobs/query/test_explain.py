"""A row of a gold table is led back to the commits, the model and the lines of the log that it came from."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

from jobs.features import daily_interactions
from jobs.ingest import behavior_events, behavior_log
from jobs.platform import pseudonym, tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.query import explain, provenance
from schemas.contract import tables
from tests.jobs.ingest.nights import MAY_1, MAY_2, NOON_MAY_1, line, write_landing
from tests.jobs.query.one_line_error import assert_one_line_error

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEY = "00" * 32
TABLE = "gold.recommendations"
HOUR = 3_600_000
NOON_MAY_2 = NOON_MAY_1 + 24 * HOUR
USER, OTHER = (pseudonym.pseudonym(user, bytes.fromhex(KEY)) for user in (1, 2))
_PYFUNC = """
import mlflow


class Constant(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input


mlflow.models.set_model(Constant())
"""


def ingest(home: Path, date: dt.date, lines: list[str | bytes]) -> None:
    write_landing(home, lines, date)
    behavior_log.main(["--date", str(date)])
    behavior_events.main(["--date", str(date)])


@pytest.fixture(scope="module")
def filled_home(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of which the second brings a line of the first's day, and a model of which two recommendations came."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_HOME", str(home))
        patch.setenv("NIGHTREEL_PSEUDONYM_KEY", KEY)
        patch.setenv("NIGHTREEL_RUN_ID", "nightly/manual/some_task")
        patch.setenv("NIGHTREEL_CODE_VERSION", "c0de")
        for name in ("NIGHTREEL_LAKE", "NIGHTREEL_TIMEZONE", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        ingest(home, MAY_1, [line(1, video, NOON_MAY_1 + video * 60_000) for video in range(25)])
        ingest(home, MAY_2, [line(1, 3, NOON_MAY_1 + HOUR), line(1, 7, NOON_MAY_2), line(2, 7, NOON_MAY_2, click=0)])
        (pyfunc := home / "pyfunc.py").write_text(_PYFUNC)
        (saved := home / "saved").mkdir()
        (saved / "model.json").write_text("{}")
        for date in (MAY_1, MAY_2):
            daily_interactions.main(["--date", str(date)])
        night = JobContext(MAY_2, settings(), writes=TABLE)
        night.lake.arrow("gold.daily_interactions")
        with tracking.run(night, "recommend/als", {}) as run:
            example = pd.DataFrame({"x": ["u"]})
            version = run.log_model("recommender", "als", saved, pyfunc=pyfunc, input_example=example, prediction=["u"])
        row = {"date": MAY_2, "user_id": USER, "video_id": 8, "score": 0.5, "model_version": version, "reason": "why"}
        rows = pa.Table.from_pylist([row | {"rank": rank} for rank in (1, 2)])
        night.lake.write(rows.set_column(6, "rank", rows["rank"].cast(pa.int32())), model=version)
    return home


@pytest.fixture
def lake(filled_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", KEY)
    shutil.copytree(filled_home / "lake", home / "lake")
    shutil.copy(filled_home / "mlflow.db", home / "mlflow.db")
    return home


@pytest.fixture
def told(lake: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str, str], str]:
    def tell(table: str, key: str) -> str:
        capsys.readouterr()
        explain.main(["--table", table, "--key", key])
        return capsys.readouterr().out

    return tell


def commit(home: Path, table: str, version: int) -> str:
    """What a commit is expected to say of itself."""
    (file,) = (home / "lake" / table.replace(".", "/") / "_delta_log").glob(f"{version:020}.json")
    assert file.is_file()
    return f"published as version {version} on {dt.datetime.now(settings().timezone):%Y-%m-%d} at "


def test_a_recommendation_is_led_back_to_the_log(lake: Path, told: Callable[[str, str], str]) -> None:
    tree = told(TABLE, f"user_id={USER},date=2022-05-02,rank=1")
    lines = tree.splitlines()
    assert lines[0] == f"gold.recommendations date=2022-05-02, user_id={USER}, rank=1"
    assert "video_id 8, score 0.5, model_version als-2022-05-02-" in lines[1]
    assert lines[2].startswith(f"│  2022-05-02 {commit(lake, TABLE, 1)}")
    assert ": 2 rows, attempt 2022-05-02-" in lines[2]
    assert lines[3] == "│  by nightly/manual/some_task, code c0de"
    branches = [text.strip("│ ").removeprefix("├─ ").removeprefix("└─ ") for text in lines]
    model = next(text for text in branches if text.startswith("model als-2022-05-02-"))
    assert ": recommender version 1 in MLflow, run " in model
    of_model = branches[branches.index(model) + 1 :]
    assert of_model[:2] == [
        "trained by nightly/manual/some_task, code c0de",
        "gold.daily_interactions at version 2, which had 2 days",
    ]
    assert of_model[2].startswith(f"2022-05-02 {commit(lake, 'gold.daily_interactions', 2)}")
    chain = [text for text in of_model if " at version " in text]
    assert chain == [
        "gold.daily_interactions at version 2, which had 2 days",
        "silver.behavior_events at version 2, which had 2 days",
        "bronze.behavior_log at version 2, which had 2 days",
        "silver.behavior_events at version 1, which had 1 day: its own earlier state",
        "gold.daily_interactions at version 2, which had 2 days: see above",
    ]
    assert f"27 lines of the log of user_id {USER} by 2022-05-02 (silver.behavior_events 2), the newest first" in tree
    shown = [text for text in branches if text.startswith("behavior_logs/")]
    assert shown[0] == "behavior_logs/dt=2022-05-02/log.csv.gz line 3: 2022-05-02 12:00, video 7, click, long view"
    assert shown[1] == "behavior_logs/dt=2022-05-02/log.csv.gz line 2: 2022-05-01 13:00, video 3, click, long view"
    assert shown[2] == "behavior_logs/dt=2022-05-01/log.csv.gz line 26: 2022-05-01 12:24, video 24, click, long view"
    assert len(shown) == 20
    assert branches[-1] == "and 7 earlier ones"


def test_what_arrived_on_other_nights_had_no_part(told: Callable[[str, str], str]) -> None:
    first = "behavior_logs/dt=2022-05-01/log.csv.gz line 5: 2022-05-01 12:03, video 3, click, long view"
    late = "behavior_logs/dt=2022-05-02/log.csv.gz line 2: 2022-05-01 13:00, video 3, click, long view"
    for night, line_of_night in (("2022-05-01", first), ("2022-05-02", late)):
        lines = told("gold.daily_interactions", f"user_id={USER},video_id=3,date={night}").splitlines()
        assert lines[-2].startswith(
            f"└─ 1 lines of the log of user_id {USER}, video_id 3, event_date 2022-05-01 by {night}"
        )
        assert lines[-1] == f"   └─ {line_of_night}"


def test_a_model_of_a_withdrawn_table_is_explained(
    lake: Path, told: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tuple(table for table in tables() if table != "gold.daily_interactions")
    monkeypatch.setattr(provenance, "tables", lambda: left)
    tree = told(TABLE, f"user_id={USER},date=2022-05-02,rank=1")
    assert "gold.daily_interactions at version 2, which is no longer a table of the lake" in tree


def test_lines_are_those_of_user_and_video_where_the_key_has_both(told: Callable[[str, str], str]) -> None:
    tree = told("gold.daily_interactions", f"user_id={OTHER},video_id=7,date=2022-05-02")
    assert tree.splitlines()[-2:] == [
        f"└─ 1 lines of the log of user_id {OTHER}, video_id 7, event_date 2022-05-02 by 2022-05-02 "
        "(silver.behavior_events 2), the newest first",
        "   └─ behavior_logs/dt=2022-05-02/log.csv.gz line 4: 2022-05-02 12:00, video 7, long view",
    ]


def test_what_was_read_is_told_though_the_table_has_changed(lake: Path, told: Callable[[str, str], str]) -> None:
    before = told("gold.daily_interactions", f"user_id={OTHER},video_id=7,date=2022-05-02")
    events = JobContext(MAY_2, settings(), writes="silver.behavior_events")
    rows = events.lake.read_day("silver.behavior_events").where("event_date < arrival_date").persist()
    rows.count()
    events.lake.write(rows)
    assert told("gold.daily_interactions", f"user_id={OTHER},video_id=7,date=2022-05-02") == before
    for file in (lake / "lake" / "silver" / "behavior_events").glob("2022-05-02-*/event_date=2022-05-02/*/*.parquet"):
        file.unlink()  # as maintenance does a week later
    after = told("gold.daily_interactions", f"user_id={OTHER},video_id=7,date=2022-05-02")
    assert "1 of its 2 files are gone: a later version replaced them" in after
    assert (
        f"the lines of the log of user_id {OTHER}, video_id 7, event_date 2022-05-02 by 2022-05-02 "
        "(silver.behavior_events 2) are gone" in after
    )


def test_a_row_of_the_log_itself_names_its_line(told: Callable[[str, str], str]) -> None:
    tree = told("silver.behavior_events", f"arrival_date=2022-05-02,user_id={OTHER}")
    assert tree.splitlines()[-1] == "└─ line 4 of behavior_logs/dt=2022-05-02/log.csv.gz"


@pytest.mark.parametrize(
    ("table", "key", "code", "said"),
    [
        ("gold.recommendation", "date=2022-05-01", 64, "TABLE=gold.recommendation is not a table; use one of: bronze."),
        (TABLE, "date=2022-05-02,user=1", 64, "has no column 'user'; give date=…, user_id=…"),
        (TABLE, "nonsense", 64, "has no column 'nonsense'"),
        (TABLE, "rank=1", 64, "KEY has no day; add date=YYYY-MM-DD"),
        (TABLE, "date=2022-05-02,rank=first", 64, "KEY: rank=first is not a valid int32"),
        (TABLE, "date=May,rank=1", 64, "KEY: date=May is not a valid date32"),
        (TABLE, "date=2022-05-03,rank=1", 66, "gold.recommendations has no rows for 2022-05-03; run it first"),
        (TABLE, "date=2022-05-02,rank=3", 66, "gold.recommendations has no row with date=2022-05-02,rank=3"),
        (TABLE, "date=2022-05-02", 64, "2 rows of gold.recommendations have date=2022-05-02; give rank too"),
        ("gold.user_features", "date=2022-05-01", 66, "missing input: gold.user_features; there is no table at "),
    ],
)  # fmt: skip
def test_a_wrong_key_gets_one_line(
    lake: Path, capsys: pytest.CaptureFixture[str], table: str, key: str, code: int, said: str
) -> None:
    assert_one_line_error(explain.main, ["--table", table, "--key", key], code, said, capsys)
