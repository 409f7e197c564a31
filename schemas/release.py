"""What contracts were when readers last got them (`schemas/released.json`), and what may become of them: `make release`.

Within a major version a contract only adds: a column that may be null, a rule. What breaks who reads the table, or the rows
that it has, needs the next major version. A rule that changes or goes is a minor matter: which values are plausible is learnt
by running. Descriptions may be worded better at any time, under the same version; values that come to mean something else
belong in a new column. The released contracts are one file of their own, so that what readers are promised can be checked
without the history, and so that a change of it is seen as one line in a review.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from schemas.contract import Column, Contract, Rule, load_contract, tables

RELEASED = Path(__file__).parent / "released.json"
_NOT_PROMISED = frozenset({"made_by", "stage", "made_from", "pseudonym"})
"""How a table is made and erased from: readers are promised nothing of it."""


def released() -> dict[str, Contract]:
    """The released contracts by table."""
    return {table: _contract(kept) for table, kept in json.loads(RELEASED.read_text(encoding="utf-8")).items()}


def problems(was: Contract, now: Contract) -> list[str]:
    """Why a contract may not follow on the released one under the version that it has; nothing where it may."""
    breaking, added = list(_breaking(was, now)), list(_added(was, now))
    major, minor, _ = _numbers(was)
    if breaking and _numbers(now)[0] <= major:
        return [f"{now.table} {now.version}: {what}; that needs version {major + 1}.0.0" for what in breaking]
    if added and _numbers(now)[:2] <= (major, minor):
        return [f"{now.table} {now.version}: {what}; that needs version {major}.{minor + 1}.0" for what in added]
    if _numbers(now) < _numbers(was):
        return [f"{now.table} {now.version}: {was.version} is released already"]
    return []


def _breaking(was: Contract, now: Contract) -> Iterator[str]:
    before, after = ({column.name: column for column in contract.columns} for contract in (was, now))
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            yield f"column {name} is gone"
            continue
        if new.type != old.type:
            yield f"column {name} was {old.type} and is {new.type}"
        if new.required != old.required:
            yield f"column {name} {'may' if old.required else 'must not'} be null now"
        if new.personal and not old.personal:
            yield f"column {name} is personal now, so analysts no longer see it"
    for name in after.keys() - before.keys():
        if after[name].required:
            yield f"column {name} is new and required, which the rows that are there cannot keep"
    for what in ("key", "partitioned_by", "day_column"):
        if getattr(was, what) != getattr(now, what):
            yield f"its {what.replace('_', ' ')} was {getattr(was, what)} and is {getattr(now, what)}"


def _added(was: Contract, now: Contract) -> Iterator[str]:
    known = {column.name for column in was.columns}
    yield from (f"column {column.name} is new" for column in now.columns if column.name not in known)
    if was.rules != now.rules:
        names = sorted({rule.name for rule in set(was.rules) ^ set(now.rules)})
        yield f"its rules changed: {', '.join(names)}"


def _numbers(contract: Contract) -> tuple[int, int, int]:
    major, minor, patch = map(int, contract.version.split("."))
    return major, minor, patch


def _contract(kept: dict[str, Any]) -> Contract:
    columns = tuple(Column(**column) for column in kept.pop("columns"))
    rules = tuple(Rule(**rule) for rule in kept.pop("rules"))
    return Contract(
        columns=columns,
        rules=rules,
        key=tuple(kept.pop("key")),
        partitioned_by=tuple(kept.pop("partitioned_by")),
        **kept,
    )


def _promised(contract: Contract) -> dict[str, Any]:
    return asdict(contract, dict_factory=lambda items: {k: v for k, v in items if k not in _NOT_PROMISED})


def main() -> None:
    """Take the contracts as they are for released, unless one may not be."""
    before = released() if RELEASED.exists() else {}
    found = [what for table, was in before.items() if table in tables() for what in problems(was, load_contract(table))]
    found += [f"{table} has no contract any more; readers have to be told" for table in before.keys() - set(tables())]
    if found:
        sys.exit("\n".join(f"error: {what}" for what in found))
    kept = {table: _promised(load_contract(table)) for table in tables()}
    RELEASED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
