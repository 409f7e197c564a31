"""The lake's tables under their names (`gold.recommendations`) in DuckDB, which reads them through Arrow as they are now.

DuckDB's own Delta extension is downloaded at first use, which a machine without the internet cannot; `deltalake` gives it
the tables as Arrow datasets, into which it pushes filters and the choice of columns, so a day's query reads a day's files.

The platform's own reports see all of it. Who asks with `make sql` gets views without personal data: no bronze, no column that
its contract marks as personal, and for `user_id` a stand-in that is drawn anew for each query, by which its tables still join.
"""

import re
import secrets
from collections.abc import Collection
from typing import Any

import duckdb

from jobs.platform import lake
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.settings import Settings
from schemas.contract import Contract, load_contract

_LINES_AS_THEY_CAME = ("bronze",)


def connect(settings: Settings, *, personal: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection in which every table of the lake is a view in the schema of its layer, at its current version.

    Args:
        settings: which lake.
        personal: whether personal data is there; without it, nothing else can be read through the connection either.

    Raises:
        MissingInput: the lake has no tables.
    """
    versions = lake.tables(settings)
    if not versions:
        raise MissingInput(f"no tables at {settings.lake}", hint="run a night first: make nightly")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})  # nothing is fetched in mid-query
    salt = secrets.token_hex(16)
    for table, version in versions.items():
        layer, name = table.split(".")
        if layer in _LINES_AS_THEY_CAME and not personal:
            continue
        connection.execute(f"create schema if not exists {layer}; set schema = '{layer}'")
        rows = connection.from_arrow(lake.arrow(settings.uri(table), version))  # under no name of its own
        shown = rows if personal else rows.project(_impersonal(load_contract(table), rows.columns, salt))
        shown.create_view(name)
    connection.execute("set schema = 'main'")
    if not personal:
        connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection


def _impersonal(contract: Contract, there: Collection[str], salt: str) -> str:
    """The table's columns as SQL, the personal ones left out; one that the contract has added comes with the next run."""
    shown = {c.name: f'"{c.name}"' for c in contract.columns if not c.personal and c.name in there}
    shown |= {c.name: f"md5('{salt}' || {c.name}) as {c.name}" for c in contract.columns if c.pseudonym == "whole"}
    return ", ".join(shown[c.name] for c in contract.columns if c.name in shown)


def ask(settings: Settings, query: str) -> duckdb.DuckDBPyRelation:
    """The answer to one query, without personal data.

    Raises:
        MissingInput: the lake has no tables, or not one that the query names.
        UsageError: the query is not a single one, or DuckDB does not understand it.
    """
    connection = connect(settings, personal=False)
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1:
            raise UsageError(f"give one query, not {len(statements)}")
        if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise UsageError("the lake is only read here; ask as in: select * from gold.recommendations limit 5")
        return connection.sql(query)
    except duckdb.CatalogException as error:
        if unknown := re.search(r'Table with name "?([^" ]+)"? does not exist', str(error)):
            if unknown[1].split(".")[0] in _LINES_AS_THEY_CAME:
                raise UsageError(
                    f"{unknown[1]} has lines as they came, personal data and all: ask silver or gold"
                ) from error
            there = [table for table in lake.tables(settings) if table.split(".")[0] not in _LINES_AS_THEY_CAME]
            raise MissingInput(f"the lake has no table {unknown[1]}", hint=f"there are: {', '.join(there)}") from error
        raise UsageError(_one_line(error)) from error
    except duckdb.Error as error:
        raise UsageError(_one_line(error)) from error


def rows(lake: duckdb.DuckDBPyConnection, query: str, *parameters: object, **named: object) -> list[dict[str, Any]]:
    """What a query of our own finds, by column name; nothing where the lake does not have one of its tables yet."""
    try:
        answer = lake.execute(query, named or parameters)
    except duckdb.CatalogException as error:
        if "Table with name" in str(error):
            return []
        raise
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _one_line(error: duckdb.Error) -> str:
    """What is wrong and the part of the query that it is about, without DuckDB's arrow below it."""
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip("^ ~"))
