"""Any table of the lake is asked by its name, and a wrong question gets one clear line."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from jobs.platform.lake import tables
from jobs.platform.settings import settings
from jobs.query import duckdb_views, sql
from jobs.query.duckdb_views import connect
from schemas.contract import Contract, load_contract
from tests.jobs.lake import insert_rows
from tests.jobs.query.one_line_error import assert_one_line_error

DAY = dt.date(2022, 5, 1)
USER = "5e" * 16


@pytest.fixture
def lake(home: Path) -> Path:
    insert_rows(home, "bronze.behavior_log", [{"raw": f"{USER},1,2", "arrival_date": DAY}])
    insert_rows(home, "silver.videos", [{"video_id": 7, "tags": ["美食", "旅游"], "arrival_date": DAY}])
    insert_rows(
        home,
        "gold.daily_interactions",
        [{"user_id": USER, "views": rank, "video_id": 7, "date": DAY} for rank in (1, 2)],
    )
    return home


def test_tables_are_asked_by_their_names(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql.main(
        ["select views, tags[1] as tag from gold.daily_interactions join silver.videos using (video_id) order by views"]
    )
    rows = [line.split("│")[1:3] for line in capsys.readouterr().out.splitlines() if "美食" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [["1", "美食"], ["2", "美食"]]


def test_a_later_commit_is_seen(lake: Path) -> None:
    before = connect(settings()).sql("select count(*) from gold.daily_interactions").fetchall()
    insert_rows(lake, "gold.daily_interactions", [{"user_id": "v", "views": 1, "video_id": 7, "date": DAY}])
    assert connect(settings()).sql("select count(*) from gold.daily_interactions").fetchall() == [(3,)] != before


def test_a_column_that_a_contract_adds_is_waited_for(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def later(table: str) -> Contract:
        contract = load_contract(table)
        return replace(
            contract, columns=(*contract.columns, replace(contract.columns[-1], name="remark", required=False))
        )

    monkeypatch.setattr(duckdb_views, "load_contract", later)
    sql.main(["select tags[2] from silver.videos"])
    assert "旅游" in capsys.readouterr().out


def test_a_table_that_still_lacks_its_users_is_read(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    insert_rows(lake, "gold.generated_videos", [{"path": "clips/a.mp4", "prompt": "a cat", "date": DAY}])
    sql.main(["from gold.generated_videos"])
    printed = capsys.readouterr().out
    assert "clips/a.mp4" in printed
    assert "a cat" not in printed


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        (
            "select * from gold.interaction",
            66,
            "missing input: the lake has no table interaction; it has: gold.daily_interactions, silver.videos",
        ),
        ("select * from recommendations", 66, "the lake has no table recommendations; it has: "),
        ("select * from platinum.videos", 66, "the lake has no table platinum.videos; it has: "),
        ("select titel from silver.videos", 64, 'Referenced column "titel" not found'),
        ("from bronze.behavior_log", 64, "bronze.behavior_log has raw lines with personal data"),
        ("from bronze_behavior_log", 66, "the lake has no table bronze_behavior_log"),
        ("from read_csv('/etc/hostname')", 64, "file system operations are disabled"),
        ("selec 1", 64, "syntax error"),
        ("select no_such_function(1)", 64, "no_such_function"),
        ("select cast(user_id as int) from gold.daily_interactions", 64, "Could not convert"),
        ("select 1; select 2", 64, "give one query, not 2"),
        ("", 64, "give one query, not 0"),
        ("create table silver.mine (a int)", 64, "only queries are allowed"),
        ("delete from silver.videos", 64, ""),
    ],
)
def test_a_wrong_question_gets_one_line(
    lake: Path, capsys: pytest.CaptureFixture[str], query: str, code: int, said: str
) -> None:
    assert_one_line_error(sql.main, [query], code, said, capsys)


def test_a_large_question_continues_on_disk(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(duckdb_views, "_MEMORY", "128MiB")  # the texts alone need as much
    sql.main(["select count(*) from (select distinct md5(n::text) from range(4_000_000) numbers(n))"])
    assert "4000000" in capsys.readouterr().out


def test_an_empty_lake_says_how_to_fill_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        sql.main(["select 1"])
    assert stopped.value.code == 66
    assert "make nightly" in capsys.readouterr().err


def test_only_tables_with_a_contract_are_shown(lake: Path) -> None:

    write_deltalake(str(lake / "lake" / "gold" / "scratch"), pa.table({"a": [1]}))
    assert tables(settings()) == {"bronze.behavior_log": 0, "gold.daily_interactions": 0, "silver.videos": 0}


def test_analysts_see_no_personal_data_and_tables_still_join(lake: Path) -> None:
    insert_rows(lake, "silver.users", [{"user_id": USER, "user_active_degree": "full_active", "register_days": 7}])
    insert_rows(lake, "silver.quarantine", [{"raw": f"{USER},1,2", "reasons": ["broken"], "arrival_date": DAY}])
    insert_rows(lake, "ops.reconciliation", [{"arrival_date": DAY}])
    insert_rows(lake, "gold.recommendations", [{"user_id": USER, "date": DAY}])
    shown = connect(settings(), personal=False)
    names = [
        f"{layer}.{name}"
        for (layer, name) in shown.sql("select table_schema, table_name from information_schema.tables").fetchall()
    ]
    assert sorted(names) == sorted(set(tables(settings())) - {"bronze.behavior_log"})
    for name in names:
        columns = shown.sql(f"from {name}").columns
        assert columns == [c.name for c in load_contract(name).columns if not c.personal or c.name == "user_id"]
        assert USER not in str(shown.sql(f"from {name}").fetchall())
    joined = shown.sql("select count(*) from gold.daily_interactions join silver.users using (user_id)").fetchall()
    assert joined == [(2,)]
    stand_in = shown.sql("from gold.recommendations select user_id").fetchall()
    assert stand_in != connect(settings(), personal=False).sql("from gold.recommendations select user_id").fetchall()
    assert connect(settings()).sql("from gold.recommendations select user_id").fetchall() == [(USER,)]
