"""Publishes nights of made-up tables as the jobs do, but without computing them, so that many are made in seconds."""

import datetime as dt
from collections.abc import Mapping, Sequence

from jobs.platform import lake
from jobs.platform.job_context import JobContext
from jobs.platform.lake import commit, tables
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests import publishing
from tests.jobs.lake import arrow


def publish_night(
    table: str,
    night: dt.date,
    rows: int = 1,
    *,
    reads: Sequence[str] = (),
    model: str | None = None,
    rules: Mapping[str, str] | None = None,
) -> None:
    """Publish a night of a table; nights with as many rows have the same content.

    Args:
        table: layer and name.
        night: the night.
        rows: how many, all alike.
        reads: the tables that it reads, at the versions that they have now; those that there are.
        model: the version of the model that it names.
        rules: what it goes by beside its contract.
    """
    made = JobContext(night, settings(), writes=table)
    contract, uri = load_contract(table), made.lake.uri(table)
    lake.create(contract, uri)
    inputs = {read: version for read, version in tables(made.settings).items() if read in reads}
    of_day = arrow(table, [{name: night for name in contract.partitioned_by if _is_day(table, name)}] * rows)
    staged = publishing.stage(uri, contract, night, of_day)
    made_by = {
        "run": "test",
        "inputs": inputs,
        "landed": made.lake.landed,
        "rules": {**made.lake.fingerprints, **(rules or {})},
        "model": model,
    }
    commit.commit(uri, contract, staged, made.lake.expected_token, made_by)


def _is_day(table: str, name: str) -> bool:
    return any(column.name == name and column.type == "date" for column in load_contract(table).columns)
