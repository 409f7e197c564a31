"""Brings a table up to its contract where that only adds: columns that may be null, and other rules.

Whatever more a contract may ask (`schemas.release`) is another table, not this one changed: the rows that are there do not keep
it. New rules hold for what is written from now on; the rows that are there were held to the rules of their time.
"""

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError

from jobs.platform.errors import BadInput, NightreelError
from jobs.platform.lake import log_backup
from jobs.platform.lake.history import OURS
from schemas.contract import Contract

_RULE = "delta.constraints."
_ATTEMPTS = 10


def evolve(contract: Contract, uri: str) -> DeltaTable:
    """The table, with every column and property that its contract declares; a new column is null in the rows that are there.

    Raises:
        BadInput: the contract asks for more than that; the table stays as it is.
    """
    for _ in range(_ATTEMPTS):
        table = DeltaTable(uri)
        if _is_up_to_date(table, contract):
            return table
        try:
            _add(table, contract)
        except DeltaError as error:  # most often somebody else did it first
            last = error
            continue
        log_backup.write(uri, table.version())
    raise NightreelError(f"{contract.table}: {uri} cannot be brought up to contract {contract.version}: {last}")


def _is_up_to_date(table: DeltaTable, contract: Contract) -> bool:
    properties = table.metadata().configuration
    rules = {name for name in properties if name.startswith(_RULE)}
    columns = [field.name for field in table.schema().fields]
    declared = contract.properties()
    return (
        sorted(columns) == sorted(column.name for column in contract.columns)
        and declared.items() <= properties.items()
        and rules <= declared.keys()
    )


def _add(table: DeltaTable, contract: Contract) -> None:
    declared = {field.name: field for field in Schema.from_json(contract.struct_type().json()).fields}
    there = {field.name: field for field in table.schema().fields}
    impossible = [f"the contract has no column {name}" for name in there.keys() - declared.keys()]
    for name, field in declared.items():
        if name not in there and not field.nullable:
            impossible.append(f"{name} is new and required")
        elif name in there and (field.type, field.nullable) != (there[name].type, there[name].nullable):
            impossible.append(f"{name} has another type or may be null")
    if impossible:
        raise BadInput(
            f"{contract.table}: contract {contract.version} is another table than the one that is there "
            f"({'; '.join(sorted(impossible))}); move that one away, then run its nights again"
        )
    if new := [field for name, field in declared.items() if name not in there]:
        table.alter.add_columns(new, commit_properties=OURS, post_commithook_properties=log_backup.NO_HOOKS)
    properties, were = contract.properties(), table.metadata().configuration
    for name in were:
        if name.startswith(_RULE) and name not in properties:
            table.alter.drop_constraint(
                name.removeprefix(_RULE), commit_properties=OURS, post_commithook_properties=log_backup.NO_HOOKS
            )
    if new_properties := dict(properties.items() - were.items()):
        table.alter.set_table_properties(
            new_properties,
            raise_if_not_exists=False,
            commit_properties=OURS,
            post_commithook_properties=log_backup.NO_HOOKS,
        )
