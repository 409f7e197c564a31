"""Read the data contract of a table (Open Data Contract Standard 3.1) and derive its schema, Delta properties and row rules."""

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
"""libyaml's loader if installed: it reads all contracts in 40 ms; PyYAML's own takes ten times as long."""

_FOLDER = Path(__file__).parent
_ARROW = {
    "bigint": "int64", "int": "int32", "double": "double", "string": "string", "boolean": "bool", "date": "date32",
}  # fmt: skip
"""Spark type name -> Arrow type name."""
_MODULE = re.compile(r"[a-z_]+\.[a-z_]+")
_PSEUDONYM = ("whole", "begins")


class ContractError(Exception):
    """A contract is missing, incomplete or invalid."""


@dataclass(frozen=True)
class Rule:
    """A boolean Spark SQL expression that is true for every valid row. Its name is the reason of quarantined rows."""

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
    """True for personal data: the column is left out of the analysts' views and has no statistics in the Delta log."""
    volatile: bool
    """True if two runs of the same night differ in it (e.g. run time). The content hash leaves it out."""
    pseudonym: str | None = None
    """How the column identifies the user: `whole` if it is the user's pseudonym, `begins` if it may begin with it."""


@dataclass(frozen=True)
class Contract:
    """The contract of a table: the only source of its schema, constraints and documentation."""

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
    """Module of the job that writes the table, relative to `jobs`, e.g. `features.user_features`."""
    stage: str = ""
    """The job's stage in a night. Default: the folder of its module."""
    made_from: Mapping[str, DaysBack] = field(default_factory=dict, hash=False)
    """Source -> days that a night reads, see `schemas.made_from`."""
    clustered_by: str = ""
    """The column by which the rows of a file are sorted. Default: the first column of the key that is no partition column."""

    def struct_type(self) -> "StructType":
        """Return the table's Spark schema. Needs an active session, whose parser reads the types."""
        from pyspark.sql.types import StructType  # local import: reading a contract needs no Spark

        columns = ", ".join(
            f"`{c.name}` {c.type}{' NOT NULL' if c.required else ''} COMMENT {_literal(c.description)}"
            for c in self.columns
        )
        return cast(StructType, StructType.fromDDL(columns))

    def arrow_schema(self) -> "pa.Schema":
        """Return the table's Arrow schema."""
        import pyarrow as pa  # local import: Airflow reads contracts too, without Arrow

        return pa.schema([pa.field(c.name, _arrow_type(c.type), nullable=not c.required) for c in self.columns])

    def stable_columns(self, existing: Collection[str]) -> list[Column]:
        """Return the columns that the content hash covers: those of the contract that exist and are not volatile.

        A table lacks the columns that its contract gained since its last run. They do not change the hash, because it leaves
        out columns that are null in every row.
        """
        return [c for c in self.columns if not c.volatile and c.name in existing]

    @property
    def stats_columns(self) -> list[str]:
        """The columns with minimum and maximum statistics in the Delta log, which let readers skip files.

        Statistics stay in the log forever, so personal columns have none. delta-rs treats missing statistics as null and then
        finds no rows (delta-rs #3173), so only required columns have statistics: every file has values for them.
        """
        types = ("bigint", "int", "double", "date")
        columns = [c for c in self.columns if c.required and not c.personal and c.type in types]
        return [c.name for c in columns if c.name not in self.partitioned_by]

    @property
    def sort_order(self) -> list[str]:
        """The columns by which the rows of a file are sorted, so that readers skip row groups: partitions first, then the key."""
        return list(dict.fromkeys([*self.partitioned_by, self.clustered_by, *self.key]))

    @property
    def digest(self) -> str:
        """Digest of everything that decides which rows are valid (columns, types, key, rules): 16 hex digits of SHA-256."""
        columns = [(c.name, c.type, c.required) for c in self.columns]
        rules = sorted((rule.name, rule.expression) for rule in self.rules)
        return hashlib.sha256(json.dumps([columns, self.key, rules]).encode()).hexdigest()[:16]

    def properties(self) -> dict[str, str]:
        """Return the Delta table properties. Each row rule is a CHECK constraint, so that other writers must follow it too."""
        return {
            "nightreel.contract": f"{self.table} {self.version}",
            "delta.minReaderVersion": "1",
            "delta.minWriterVersion": "3",  # the first version with CHECK constraints
            "delta.enableExpiredLogCleanup": "false",  # a deleted commit would look like a lost commit
            "delta.enableDeletionVectors": "false",  # not all readers support this and the next property
            "delta.columnMapping.mode": "none",
            # Writers must not collect statistics of other columns, see `stats_columns`.
            **({"delta.dataSkippingStatsColumns": ",".join(self.stats_columns)} if self.stats_columns else {}),
            **({} if self.stats_columns else {"delta.dataSkippingNumIndexedCols": "0"}),
            **{f"delta.constraints.{rule.name}": rule.expression for rule in self.rules},
        }


@cache
def tables() -> tuple[str, ...]:
    """Return the names of all tables with a contract, e.g. `gold.recommendations`, in alphabetical order."""
    return tuple(sorted(f"{path.parent.name}.{path.stem}" for path in _FOLDER.glob("*/*.yaml")))


@cache
def load_contract(table: str) -> Contract:
    """Read the contract of a table, e.g. `gold.recommendations`.

    Raises:
        ContractError: there is no such contract, or it is incomplete or invalid.
    """
    path = _FOLDER / f"{table.replace('.', '/')}.yaml"
    if table not in tables():
        raise ContractError(
            f"table {table!r} has no contract (schemas/LAYER/TABLE.yaml); the tables are: {', '.join(tables())}"
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
    key = tuple(p["name"] for p in sorted(keyed, key=lambda p: p["primaryKeyPosition"]))
    partitioned_by = tuple(p["name"] for p in sorted(partitioned, key=lambda p: p["partitionKeyPosition"]))
    clustered_by = custom.get("clusteredBy", next((name for name in key if name not in partitioned_by), key[0]))
    if clustered_by not in {p["name"] for p in properties}:
        raise ValueError(f"clusteredBy: {clustered_by!r} is not a column of {table}")
    if not _MODULE.fullmatch(str(made_by)):
        raise ValueError(f"madeBy: {made_by!r} is not a job; write FOLDER.MODULE of a job, e.g. features.user_features")
    return Contract(
        table=table,
        version=document["version"],
        purpose=document["description"]["purpose"],
        owner=document["team"]["name"],
        columns=tuple(_column(p) for p in properties),
        rules=tuple(Rule(q["name"], q["implementation"]) for q in quality if q["engine"] == "spark-sql"),
        key=key,
        partitioned_by=partitioned_by,
        day_column=custom["dayColumn"],
        retention_days=int(retention),
        made_by=made_by,
        stage=custom.get("stage", made_by.partition(".")[0]),
        made_from=read_made_from(custom.get("madeFrom")),
        clustered_by=clustered_by,
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
