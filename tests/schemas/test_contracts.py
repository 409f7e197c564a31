"""Every contract is valid ODCS, says what the loader needs, and makes exactly the table that it describes."""

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from datacontract.data_contract import DataContract
from deltalake import DeltaTable

from jobs.platform import erasure, lake
from schemas.contract import Contract, ContractError, load_contract, tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEMAS = Path(__file__).parents[2] / "schemas"
LAYERS = {"bronze", "silver", "gold", "ops"}
every_table = pytest.mark.parametrize("table", tables())


def test_every_file_is_a_table_of_a_layer() -> None:
    files = {path.relative_to(SCHEMAS) for path in SCHEMAS.glob("*/*.y*ml")}
    assert {f"{path.parent}.{path.stem}" for path in files} == set(tables())
    assert {table.split(".")[0] for table in tables()} == LAYERS


@every_table
def test_it_passes_datacontract_lint(table: str) -> None:
    linted = DataContract(data_contract_file=str(SCHEMAS / f"{table.replace('.', '/')}.yaml")).lint()
    assert [check.reason for check in linted.checks or () if check.result != "passed"] == []
    assert linted.result == "passed"


@every_table
def test_it_says_whose_the_table_is_and_what_it_holds(table: str) -> None:
    contract = load_contract(table)
    document = yaml.safe_load((SCHEMAS / f"{table.replace('.', '/')}.yaml").read_text(encoding="utf-8"))
    assert document["id"] == table
    assert document["kind"] == "DataContract"
    assert contract.owner
    assert contract.retention_days > 7, "VACUUM and a week's features need more than a week"
    assert len(contract.purpose.split()) > 4
    for sentence in (contract.purpose, *(column.description for column in contract.columns)):
        assert sentence.endswith(".")


@every_table
def test_its_columns_keys_and_days_fit_together(table: str) -> None:
    contract = load_contract(table)
    columns = {column.name: column for column in contract.columns}
    assert len(columns) == len(contract.columns)
    assert columns[contract.day_column].type == "date"
    assert contract.day_column in contract.partitioned_by
    assert contract.key
    for name in {*contract.key, *contract.partitioned_by}:
        assert columns[name].required, f"{name} of {table} identifies a row or its place, so no row may lack it"
    assert len({rule.name for rule in contract.rules}) == len(contract.rules)
    assert not any(columns[name].volatile for name in contract.key)


@every_table
def test_a_column_that_says_who_a_user_is_is_marked_as_personal(table: str) -> None:
    assert all(column.personal for column in load_contract(table).columns if column.name in ("user_id", "raw"))


@every_table
def test_a_table_about_people_says_which_column_tells_whose_a_row_is(table: str) -> None:
    contract = load_contract(table)
    has_people = any(column.personal for column in contract.columns)
    assert erasure.owner_columns(contract)[:1] == (["user_id"] if has_people else [])
    assert all(column.personal for column in contract.columns if column.pseudonym)


def test_a_column_is_personal_wherever_it_is() -> None:
    marks: dict[str, set[bool]] = {}
    for table in tables():
        for column in load_contract(table).columns:
            marks.setdefault(column.name, set()).add(column.personal)
    assert {name for name, found in marks.items() if len(found) > 1} == set()


def test_columns_of_one_name_have_one_type() -> None:
    """So that tables join without a cast; `video_type` is a word everywhere."""
    types: dict[str, dict[str, str]] = {}
    for table in tables():
        for column in load_contract(table).columns:
            types.setdefault(column.name, {})[table] = column.type
    assert {name: of for name, of in types.items() if len(set(of.values())) > 1} == {}


@every_table
def test_the_delta_table_is_what_the_contract_says(table: str, spark: "SparkSession", tmp_path: Path) -> None:
    contract = load_contract(table)
    lake.create(contract, str(tmp_path / "table"))
    made = DeltaTable(tmp_path / "table")
    declared = contract.struct_type().fields
    assert [(f.name, f.nullable) for f in made.schema().fields] == [(f.name, f.nullable) for f in declared]
    assert [f.metadata["comment"] for f in made.schema().fields] == [column.description for column in contract.columns]
    read = spark.read.format("delta").load(str(tmp_path / "table")).schema
    assert [(f.name, f.dataType.simpleString()) for f in read.fields] == [(c.name, c.type) for c in contract.columns]
    assert made.metadata().description == contract.purpose
    assert tuple(made.metadata().partition_columns) == contract.partitioned_by
    checks = {
        k.removeprefix("delta.constraints."): v
        for k, v in made.metadata().configuration.items()
        if ".constraints." in k
    }
    assert checks == {rule.name: rule.expression for rule in contract.rules}


@every_table
def test_a_rule_lets_a_column_be_null_that_may_be_null(table: str, spark: "SparkSession") -> None:
    """Delta refuses a row whose CHECK is null, whatever SQL's CHECK does."""
    contract = load_contract(table)
    optional = {column.name for column in contract.columns if not column.required}
    nothing = spark.range(1).selectExpr(
        *(f"CAST(NULL AS {column.type}) AS `{column.name}`" for column in contract.columns)
    )
    names = {column.name for column in contract.columns}
    for rule in contract.rules:
        if names & set(re.findall(r"\w+", rule.expression)) <= optional:
            (held,) = nothing.selectExpr(f"{rule.expression} AS held").collect()
            assert held.held is True, f"{table}: {rule.name} refuses null: {rule.expression}"


def test_an_unknown_table_is_named_with_those_there_are() -> None:
    with pytest.raises(ContractError, match=r"table 'gold\.nothing' has no contract.*gold\.daily_interactions"):
        load_contract("gold.nothing")
    with pytest.raises(ContractError):
        load_contract("../README")


def test_tables_are_listed_in_order() -> None:
    assert all(first < second for first, second in pairwise(tables()))


def test_a_contract_is_not_changed_by_who_reads_it() -> None:
    with pytest.raises(AttributeError):
        load_contract(tables()[0]).owner = "nobody"  # type: ignore[misc]
    assert isinstance(load_contract(tables()[0]), Contract)
