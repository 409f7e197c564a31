"""Executors find the rows of erased users in all files of tables, and name the files that they cannot read."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.platform import erasure, lake
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from jobs.privacy import erase, search
from schemas.contract import load_contract, tables
from tests.jobs.ingest.nights import MAY_1
from tests.jobs.lake import publish_rows
from tests.object_store import ObjectStore

USERS = [f"{n:032x}" for n in range(4)]
ERASED = frozenset(erasure.digest(user) for user in USERS[:2])


@given(st.lists(st.tuples(st.sampled_from([None, *USERS]), st.sampled_from([None, "invalid", *USERS])), min_size=1))
def test_a_row_belongs_to_the_first_column_that_is_not_null(
    tmp_path_factory: pytest.TempPathFactory, owners: list[tuple[str | None, str | None]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.parquet"
    raw = [f"{begin},7,1" if begin else None for _, begin in owners]
    table = pa.table(
        {"user_id": pa.array([user for user, _ in owners], pa.string()), "raw": pa.array(raw, pa.string())}
    )
    pq.write_table(table, path, row_group_size=3)
    expected = Counter(erasure.digest(user or begin or "") for user, begin in owners)
    counted = search._count_rows(path, ["user_id", "raw"], ERASED)
    assert counted == Counter({user: count for user, count in expected.items() if user in ERASED})


def test_files_and_users_are_found_and_a_damaged_file_is_named(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    leaving = pseudonym(7, key(settings()))
    uri, contract = settings().uri("silver.users"), load_contract("silver.users")
    publish_rows(home, "silver.users", MAY_1, [{"user_id": USERS[0], "arrival_date": MAY_1}])
    publish_rows(
        home, "silver.users", MAY_1, [{"user_id": user, "arrival_date": MAY_1} for user in (leaving, USERS[0])]
    )
    erased = frozenset(map(erasure.digest, (leaving, USERS[1])))
    (current,) = (file.path for file in lake.files(uri, contract))
    assert search.find_in_tables(spark, settings(), tables(), erased) == search.Found(
        {"silver.users": {current: 1}}, frozenset({erasure.digest(leaving)})
    )
    Path(uri, current).write_bytes(Path(uri, current).read_bytes()[:-100])
    assert search.find_in_tables(spark, settings(), tables(), erased).files == {"silver.users": {current: None}}
    (home.parent / "leaving.txt").write_text("7")
    with pytest.raises(SystemExit) as stopped:
        erase.main(["--users", str(home.parent / "leaving.txt")])
    assert stopped.value.code == 65
    assert f"silver.users: {current} is damaged; run make restore, then rerun this" in capsys.readouterr().err


def test_executors_search_an_object_store(
    home: Path, spark: SparkSession, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTREEL_LAKE", "s3a://lake/night")
    monkeypatch.setenv("NIGHTREEL_FILES", "s3a://lake/files")
    pq.write_table(pa.table({"user_id": USERS}), home / "users.parquet")
    users = (home / "users.parquet").read_bytes()
    store.objects["lake/night/silver/users/2022-05-01-a/part-0.parquet"] = users
    store.objects["lake/night/silver/users/2022-05-01-b/part-0.parquet"] = users[:-9]
    store.objects["lake/files/reports/night.txt"] = USERS[0].encode()
    store.objects["lake/files/reports/other.txt"] = USERS[3].encode()
    assert search.find_in_tables(spark, settings(), tables(), ERASED) == search.Found(
        {"silver.users": {"2022-05-01-a/part-0.parquet": 2, "2022-05-01-b/part-0.parquet": None}}, ERASED
    )
    files = [str(path) for path in search.find_in_files(spark, settings(), ERASED)]
    assert files == ["s3://lake/files/reports/night.txt", str(home / "users.parquet")]
