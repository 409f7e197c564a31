"""What a contract adds is given to the table by the next write; what it changes is refused."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from jobs.platform import lake
from jobs.platform.errors import BadInput
from jobs.platform.lake import commit, log_backup
from jobs.platform.lake.evolve import evolve
from jobs.platform.lake.verify import verify
from jobs.platform.settings import settings
from schemas.contract import Column, Contract, Rule, load_contract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BOOKS = load_contract("ops.reconciliation")
MAY_1, MAY_2 = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
NEW = Column(
    "remark", "string", required=False, description="What a person said of it.", personal=False, volatile=False
)
RULE = Rule("remark_is_short", "remark IS NULL OR length(remark) < 10")
LATER = replace(BOOKS, version="9.1.0", columns=(*BOOKS.columns, NEW), rules=(*BOOKS.rules[1:], RULE))


def write(spark: "SparkSession", contract: Contract, day: dt.date, **values: object) -> None:
    given = {"source": "log", BOOKS.day_column: day, **values}
    zero = {"bigint": 0, "int": 0, "string": ""}
    row = tuple(given.get(c.name, zero.get(c.type) if c.required else None) for c in contract.columns)
    uri = f"{settings().lake}/ops/reconciliation"
    rows = spark.createDataFrame([row], contract.struct_type())
    made_by: dict[str, object] = {"run": "manual", "code": "c0de", "inputs": {}, "landed": {}, "model": None}
    lake.replace_day(spark, rows, contract, uri, day, commit.token(uri, day), made_by)


def test_the_next_write_adds_what_the_contract_adds(
    home: Path, spark: "SparkSession", monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"{home}/lake/ops/reconciliation"
    write(spark, BOOKS, MAY_1)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("jobs.platform.lake.verify.load_contract", lambda table: LATER)
        assert list(verify(settings(), "ops.reconciliation")) == []
    write(spark, LATER, MAY_2, remark="fine")
    table = DeltaTable(uri)
    rows = {row[BOOKS.day_column]: row["remark"] for row in table.to_pyarrow_dataset().to_table().to_pylist()}
    assert rows == {MAY_1: None, MAY_2: "fine"}
    assert {row.remark for row in lake.frame(spark, uri, table.version()).collect()} == {None, "fine"}
    properties = table.metadata().configuration
    assert properties["nightreel.contract"] == "ops.reconciliation 9.1.0"
    assert {name for name in properties if name.startswith("delta.constraints.")} == {
        f"delta.constraints.{rule.name}" for rule in LATER.rules
    }
    assert next(f for f in table.schema().fields if f.name == "remark").metadata == {"comment": NEW.description}
    assert log_backup.find_damage(Path(uri)) == []
    assert len(list(Path(uri, "_receipts").iterdir())) == table.version() + 1
    assert list(verify(settings(), "ops.reconciliation", MAY_1)) == []
    with pytest.raises(BadInput, match="break 'remark_is_short"):
        write(spark, LATER, MAY_2, remark="far too long a remark")
    assert evolve(LATER, uri).version() == table.version()
    with pytest.raises(BadInput, match="the contract has no column remark"):
        evolve(BOOKS, uri)
    required = replace(LATER, columns=(*LATER.columns, replace(NEW, name="why", required=True)))
    with pytest.raises(BadInput, match=r"why is new and required.*move the table away"):
        evolve(required, uri)
    other = replace(LATER, columns=(*LATER.columns[:-1], replace(NEW, type="bigint")))
    with pytest.raises(BadInput, match="remark has another type"):
        evolve(replace(other, version="10.0.0"), uri)
    assert DeltaTable(uri).version() == table.version()
