"""What the fault tests share: a table, and the place where they note what held."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from jobs.platform import lakehouse
from schemas.contract import contract
from tests.faults import rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RecordFault: TypeAlias = Callable[[str, str], None]
_NOTES = Path("test-artifacts", "faults.jsonl")


@pytest.fixture
def table(home: Path, spark: "SparkSession") -> str:
    """The path of an empty table."""
    uri = str(home / "lake" / rows.TABLE.replace(".", "/"))
    lakehouse.create(contract(rows.TABLE), uri)
    return uri


@pytest.fixture
def record_fault(request: pytest.FixtureRequest) -> RecordFault:
    """Note what was measured of a fault, for `make faults` to print."""

    def record(fault: str, measured: str) -> None:
        _NOTES.parent.mkdir(exist_ok=True)
        with _NOTES.open("a", encoding="utf-8") as notes:
            notes.write(json.dumps({"fault": fault, "test": request.node.name, "measured": measured}) + "\n")

    return record
