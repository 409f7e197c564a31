"""What the fault tests share: a table, and the place where they note what held."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from infra.local.paths import State
from jobs.platform import lake
from schemas.contract import load_contract
from tests.faults import rows
from tests.faults.table import NOTES
from tests.infra.connect_server import connect_server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RecordFault: TypeAlias = Callable[[str, str], None]


@pytest.fixture
def table(home: Path, spark: "SparkSession") -> str:
    """The path of an empty table."""
    uri = str(home / "lake" / rows.TABLE.replace(".", "/"))
    lake.create(load_contract(rows.TABLE), uri)
    return uri


@pytest.fixture(scope="session")
def spark_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Spark Connect server, as the nights of one machine use it."""
    with connect_server(State(tmp_path_factory.mktemp("spark-server"))) as (_, address):
        yield address


@pytest.fixture
def record_fault(request: pytest.FixtureRequest) -> RecordFault:
    """Note what was measured of a fault, for `make faults` to print."""

    def record(fault: str, measured: str) -> None:
        NOTES.parent.mkdir(exist_ok=True)
        with NOTES.open("a", encoding="utf-8") as notes:
            notes.write(json.dumps({"fault": fault, "test": request.node.name, "measured": measured}) + "\n")

    return record
