"""Reads the data contract of a table (Open Data Contract Standard 3.1) and derives its Spark schema, Delta DDL and row rules."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from schemas.made_from import DaysBack, read_made_from

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where there is one: all contracts take it 40 ms, PyYAML's own ten times as long."""

_FOLDER = Path(__file__).parent
_ARROW = {
    "bigint": "int64", "int": "int32", "double": "double", "string": "string", "boolean": "bool", "date": "date32",
}  # fmt: skip
"""Spark's name of a type -> Arrow's."""
_MODULE = re.compile(r"[a-z_]+\.[a-z_]+")
_PSEUDONYM = ("whole", "begins")


class ContractError(Exception):
    """A contract is missing or does not say what a table needs."""


@dataclass(frozen=True)
class Rule:
    """What must hold for every row: a boolean Spark SQL expression, under the name that a quarantined row is given as reason."""

    name: str
    expression: str


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    """Spark SQL type as `DataType.simpleString()` prints it, e.g. `array<string>`."""
    required: bool
    description: str
    personal: bool
    """Tells who a person is: kept out of the analysts' views, and of the bounds that a table's log keeps for good."""
    volatile: bool
    """Differs between two runs of the same night (seconds spent), so it is left out of the content hash."""
    pseudonym: str | None = None
    """How the column tells whose the row is: `whole` if it is the user's pseudonym, `begins` if it may begin with it."""


@dataclass(frozen=True)
class Contract:
    """What a table holds and promises: the one source of its schema, constraints and documentation."""

    table: str
    """Layer and name, e.g. `silver.behavior_events`."""
    version: str
    purpose: str
    owner: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    key: tuple[str, ...]
    partitioned_by: tuple[str, ...]
    day_column: str
    """The partition column that one night replaces."""
    retention_days: int
    made_by: str = ""
    """Module of the job that writes it, below `jobs`, e.g. `features.user_features`."""
    stage: str = ""
    """The stage of a night that the job belongs to; the folder of its module unless the contract names another."""
    made_from: Mapping[str, DaysBack] = field(default_factory=dict, hash=False)
    """Sources, with the days of each that a night is made from: see `schemas.made_from`."""

    def struct_type(self) -> "StructType":
        """The table's schema as Spark knows it. Needs an active session, whose parser reads the types."""
        from pyspark.sql.types import StructType  # imported late: reading a contract needs no Spark

        columns = ", ".join(
            f"`{c.name}` {c.type}{' NOT NULL' if c.required else ''} COMMENT {_literal(c.description)}"
            for c in self.columns
        )
        return cast(StructType, StructType.fromDDL(columns))

    def arrow_schema(self) -> "pa.Schema":
        """The table's schema as Arrow knows it."""
        import pyarrow as pa  # imported late: Airflow reads contracts too, and needs no Arrow

        return pa.schema([pa.field(c.name, _arrow_type(c.type), nullable=not c.required) for c in self.columns])

    def stable(self, there: Collection[str]) -> list[Column]:
        """The columns that a content hash covers, of those that are there: what the contract has added since a table's last run
        is not, and would not change the hash, which leaves columns of nulls out."""
        return [c for c in self.columns if not c.volatile and c.name in there]

    @property
    def bounded(self) -> list[str]:
        """The columns whose least and greatest value the log has for each file, so that readers skip files.

        Bounds stay in the log for good, so no column that is personal has any. delta-rs takes a missing bound for null, and finds
        no row then (delta-rs #3173): so only required columns have bounds, which every file can tell.
        """
        kinds = ("bigint", "int", "double", "date")
        ours = [c for c in self.columns if c.required and not c.personal and c.type in kinds]
        return [c.name for c in ours if c.name not in self.partitioned_by]

    @property
    def digest(self) -> str:
        """Of what decides which rows the table may hold: columns, types, key and rules. 16 hexadecimal digits of SHA-256."""
        columns = [(c.name, c.type, c.required) for c in self.columns]
        rules = sorted((rule.name, rule.expression) for rule in self.rules)
        return hashlib.sha256(json.dumps([columns, self.key, rules]).encode()).hexdigest()[:16]

    def properties(self) -> dict[str, str]:
        """The Delta table's properties: each row rule as a CHECK constraint, which any other writer is held to as well."""
        return {
            "nightreel.contract": f"{self.table} {self.version}",
            "delta.minReaderVersion": "1",
            "delta.minWriterVersion": "3",  # the first that knows CHECK
            "delta.enableExpiredLogCleanup": "false",  # a commit that goes unseen cannot be told from a lost one
            "delta.enableDeletionVectors": "false",  # some readers cannot read tables with these two
            "delta.columnMapping.mode": "none",
            # No writer is to tell the bounds of another column: see `bounded`.
            **({"delta.dataSkippingStatsColumns": ",".join(self.bounded)} if self.bounded else {}),
            **({} if self.bounded else {"delta.dataSkippingNumIndexedCols": "0"}),
            **{f"delta.constraints.{rule.name}": rule.expression for rule in self.rules},
        }


@cache
def tables() -> tuple[str, ...]:
    """The names of all tables that have a contract, e.g. `gold.recommendations`, in alphabetical order."""
    return tuple(sorted(f"{path.parent.name}.{path.stem}" for path in _FOLDER.glob("*/*.yaml")))


@cache
def load_contract(table: str) -> Contract:
    """Read the contract of a table, named by layer and name.

    Raises:
        ContractError: there is no such contract, or it lacks what the loader needs.
    """
    path = _FOLDER / f"{table.replace('.', '/')}.yaml"
    if table not in tables():
        raise ContractError(
            f"no contract for table {table!r} (schemas/LAYER/TABLE.yaml); there are: {', '.join(tables())}"
        )
    try:
        return _parse(table, yaml.load(path.read_text(encoding="utf-8"), YAML_LOADER))
    except (KeyError, IndexError, TypeError) as error:
        raise ContractError(f"{path.name}: the contract of {table} lacks {error}") from error
    except ValueError as error:
        raise ContractError(f"schemas/{path.relative_to(_FOLDER)}: {error}") from error


def _parse(table: str, document: dict[str, Any]) -> Contract:
    schema = document["schema"][0]
    properties = schema["properties"]
    keyed = [p for p in properties if p.get("primaryKey")]
    partitioned = [p for p in properties if p.get("partitioned")]
    retention = {p["property"]: p["value"] for p in document["slaProperties"]}["retention"]
    quality = [q for p in [schema, *properties] for q in p.get("quality", ())]
    custom = _custom(schema)
    made_by = custom["madeBy"]
    if not _MODULE.fullmatch(str(made_by)):
        raise ValueError(f"madeBy: {made_by!r} is no job; write FOLDER.MODULE below jobs, e.g. features.user_features")
    return Contract(
        table=table,
        version=document["version"],
        purpose=document["description"]["purpose"],
        owner=document["team"]["name"],
        columns=tuple(_column(p) for p in properties),
        rules=tuple(Rule(q["name"], q["implementation"]) for q in quality if q["engine"] == "spark-sql"),
        key=tuple(p["name"] for p in sorted(keyed, key=lambda p: p["primaryKeyPosition"])),
        partitioned_by=tuple(p["name"] for p in sorted(partitioned, key=lambda p: p["partitionKeyPosition"])),
        day_column=custom["dayColumn"],
        retention_days=int(retention),
        made_by=made_by,
        stage=custom.get("stage", made_by.partition(".")[0]),
        made_from=read_made_from(custom.get("madeFrom")),
    )


def _column(declared: dict[str, Any]) -> Column:
    custom = _custom(declared)
    if (pseudonym := custom.get("pseudonym")) not in (None, *_PSEUDONYM):
        raise ValueError(f"{declared['name']}: pseudonym is {pseudonym!r}; write one of {', '.join(_PSEUDONYM)}")
    return Column(
        name=declared["name"],
        type=declared["physicalType"],
        required=declared.get("required", False),
        description=declared["description"],
        personal=declared.get("classification") == "personal",
        volatile=bool(custom.get("volatile", False)),
        pseudonym=pseudonym,
    )


def _arrow_type(name: str) -> "pa.DataType":
    import pyarrow as pa

    outer, _, inner = name.partition("<")
    if outer == "array":
        return pa.list_(_arrow_type(inner[:-1]))
    if outer == "map":
        key, _, value = inner[:-1].partition(",")
        return pa.map_(_arrow_type(key), _arrow_type(value))
    return pa.type_for_alias(_ARROW[name])


def _custom(declared: dict[str, Any]) -> dict[str, Any]:
    return {p["property"]: p["value"] for p in declared.get("customProperties", ())}


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
