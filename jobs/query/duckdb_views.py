"""The lake's tables as DuckDB views with their own names (`gold.recommendations`), read through Arrow at their current versions.

DuckDB's own Delta extension is downloaded at first use, which fails on a machine without internet. `deltalake` instead provides
the tables as Arrow datasets. DuckDB pushes filters and column selection down into them, so a query for one day reads only that
day's files.

The platform's own reports see all data. `make sql` gets views without personal data: no bronze tables, no columns that a contract
marks as personal, and instead of `user_id` a random substitute per query, so tables can still be joined.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

from jobs.platform import lake
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.phases import Phase, phase
from jobs.platform.settings import Settings
from schemas.contract import Contract, load_contract

_RAW_LAYERS = ("bronze",)
_MEMORY = "1GiB"
"""Above it, DuckDB writes intermediate results to a temporary folder."""


def connect(settings: Settings, *, personal: bool = True) -> duckdb.DuckDBPyConnection:
    """Return a connection in which every table of the lake is a view, at its current version, in the schema of its layer.

    Args:
        settings: the location of the lake.
        personal: if False, the views contain no personal data, and the connection can read nothing but the views.

    Raises:
        MissingInput: the lake has no tables.
    """
    versions = lake.tables(settings)
    if not versions:
        raise MissingInput(f"no tables at {settings.lake}", hint="run a night first: make nightly")
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",  # no download during a query
            "memory_limit": _MEMORY,
            "temp_directory": str(Path(tempfile.gettempdir(), f"nightreel-duckdb-{os.getpid()}")),
        }
    )
    salt = secrets.token_hex(16)
    for table, version in versions.items():
        layer, name = table.split(".")
        if layer in _RAW_LAYERS and not personal:
            continue
        connection.execute(f"create schema if not exists {layer}; set schema = '{layer}'")
        relation = connection.from_arrow(lake.arrow(settings.uri(table), version))
        if not personal:
            relation = relation.project(_impersonal(load_contract(table), relation.columns, salt))
        relation.create_view(name)
    connection.execute("set schema = 'main'")
    if not personal:
        connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection


def _impersonal(contract: Contract, columns: Collection[str], salt: str) -> str:
    """Return the SQL select list of the columns without personal data.

    Args:
        contract: the table's contract.
        columns: the table's columns; it may lack columns that the contract has gained since its last write.
        salt: of the substitute for `user_id`.
    """
    expressions = {c.name: f'"{c.name}"' for c in contract.columns if not c.personal and c.name in columns}
    expressions |= {
        c.name: f"md5('{salt}' || {c.name}) as {c.name}"
        for c in contract.columns
        if c.pseudonym == "whole" and c.name in columns
    }
    return ", ".join(expressions[c.name] for c in contract.columns if c.name in expressions)


def run_query(settings: Settings, query: str) -> duckdb.DuckDBPyRelation:
    """Return the result of one query, without personal data.

    Raises:
        MissingInput: the lake has no tables, or lacks a table of the query.
        UsageError: the text is not exactly one query, or is not valid.
    """
    connection = connect(settings, personal=False)
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1:
            raise UsageError(f"give one query, not {len(statements)}")
        if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise UsageError("only queries are allowed, e.g. select * from gold.recommendations limit 5")
        return connection.sql(query)
    except duckdb.CatalogException as error:
        if unknown := re.search(r'Table with name "?([^" ]+)"? does not exist', str(error)):
            if unknown[1].split(".")[0] in _RAW_LAYERS:
                raise UsageError(
                    f"{unknown[1]} has raw lines with personal data; query silver or gold tables instead"
                ) from error
            tables = [table for table in lake.tables(settings) if table.split(".")[0] not in _RAW_LAYERS]
            raise MissingInput(f"the lake has no table {unknown[1]}", hint=f"it has: {', '.join(tables)}") from error
        raise UsageError(_one_line(error)) from error
    except duckdb.Error as error:
        raise UsageError(_one_line(error)) from error


def rows(lake: duckdb.DuckDBPyConnection, query: str, *parameters: object, **named: object) -> list[dict[str, Any]]:
    """Return the rows of a query as dictionaries; no rows if the lake does not have one of the tables yet."""
    with phase(Phase.READ):
        try:
            result = lake.execute(query, named or parameters)
        except duckdb.CatalogException as error:
            if "Table with name" in str(error):
                return []
            raise
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _one_line(error: duckdb.Error) -> str:
    """Return DuckDB's message and the quoted part of the query in one line, without the arrow below it."""
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip("^ ~"))
