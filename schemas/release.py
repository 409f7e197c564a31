"""The last released contracts (`schemas/released.json`), and which changes need which version: `make release`.

Within a major version a contract may only add nullable columns and rules. A change that breaks readers or existing rows needs the
next major version. Changing or removing a rule is a minor change: which values are plausible is learnt in operation. Descriptions
may be reworded at any time under the same version; if the meaning of a value changes, add a new column. The released contracts
are kept in one file, so that they can be checked without the git history and a change shows up in a review.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from schemas.contract import Column, Contract, Rule, load_contract, tables

RELEASED = Path(__file__).parent / "released.json"
_NOT_PROMISED = frozenset({"made_by", "stage", "made_from", "clustered_by", "pseudonym"})
"""Fields about how a table is made, stored and erased from; they are not part of the promise to readers."""


def released() -> dict[str, Contract]:
    """Return the released contracts by table."""
    return {table: _contract(fields) for table, fields in json.loads(RELEASED.read_text(encoding="utf-8")).items()}


def problems(was: Contract, now: Contract) -> list[str]:
    """Return why a contract needs a higher version than it has, compared with the released one; empty if it does not."""
    breaking, added = list(_breaking_changes(was, now)), list(_additions(was, now))
    major, minor, _ = _version(was)
    if breaking and _version(now)[0] <= major:
        return [f"{now.table} {now.version}: {change}; that needs version {major + 1}.0.0" for change in breaking]
    if added and _version(now)[:2] <= (major, minor):
        return [f"{now.table} {now.version}: {change}; that needs version {major}.{minor + 1}.0" for change in added]
    if _version(now) < _version(was):
        return [f"{now.table} {now.version}: {was.version} is released already"]
    return []


def _breaking_changes(was: Contract, now: Contract) -> Iterator[str]:
    before, after = ({column.name: column for column in contract.columns} for contract in (was, now))
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            yield f"column {name} was removed"
            continue
        if new.type != old.type:
            yield f"column {name} changed from {old.type} to {new.type}"
        if new.required != old.required:
            yield f"column {name} {'may' if old.required else 'must not'} be null now"
        if new.personal and not old.personal:
            yield f"column {name} is personal now, so analysts can no longer see it"
    for name in after.keys() - before.keys():
        if after[name].required:
            yield f"column {name} is new and required, but existing rows have no value for it"
    for attribute in ("key", "partitioned_by", "day_column"):
        if getattr(was, attribute) != getattr(now, attribute):
            yield f"{attribute} changed from {getattr(was, attribute)} to {getattr(now, attribute)}"


def _additions(was: Contract, now: Contract) -> Iterator[str]:
    old_names = {column.name for column in was.columns}
    yield from (f"column {column.name} is new" for column in now.columns if column.name not in old_names)
    if was.rules != now.rules:
        names = sorted({rule.name for rule in set(was.rules) ^ set(now.rules)})
        yield f"rules changed: {', '.join(names)}"


def _version(contract: Contract) -> tuple[int, int, int]:
    major, minor, patch = map(int, contract.version.split("."))
    return major, minor, patch


def _contract(fields: dict[str, Any]) -> Contract:
    columns = tuple(Column(**column) for column in fields.pop("columns"))
    rules = tuple(Rule(**rule) for rule in fields.pop("rules"))
    return Contract(
        columns=columns,
        rules=rules,
        key=tuple(fields.pop("key")),
        partitioned_by=tuple(fields.pop("partitioned_by")),
        **fields,
    )


def _promised(contract: Contract) -> dict[str, Any]:
    return asdict(contract, dict_factory=lambda items: {k: v for k, v in items if k not in _NOT_PROMISED})


def main() -> None:
    """Write the current contracts to `released.json`, unless one of them needs a higher version."""
    before = released() if RELEASED.exists() else {}
    errors = [
        line for table, was in before.items() if table in tables() for line in problems(was, load_contract(table))
    ]
    errors += [
        f"{table} no longer has a contract; delete it from {RELEASED.name} too, and name its replacement in CHANGELOG.md"
        for table in before.keys() - set(tables())
    ]
    if errors:
        sys.exit("\n".join(f"error: {line}" for line in errors))
    promised = {table: _promised(load_contract(table)) for table in tables()}
    RELEASED.write_text(json.dumps(promised, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
