"""Updates a table to its contract if the contract only adds nullable columns or changes rules.

Any other change of a contract (`schemas.release`) requires a new table, because the existing rows do not satisfy it. New rules
apply to new rows only; existing rows were checked against the rules of their time.
"""

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError

from jobs.platform.errors import BadInput, NightreelError
from jobs.platform.lake import log_backup
from jobs.platform.lake.files import open_table
from jobs.platform.lake.history import OWN_COMMIT
from schemas.contract import Contract

_RULE = "delta.constraints."
_ATTEMPTS = 10


def evolve(contract: Contract, uri: str) -> DeltaTable:
    """Return the table with all columns and properties of its contract. New columns are null in existing rows.

    Raises:
        BadInput: the contract changed in another way; the table stays as it is.
    """
    for _ in range(_ATTEMPTS):
        table = open_table(uri)
        if _is_up_to_date(table, contract):
            return table
        try:
            _add(table, contract)
        except DeltaError as error:  # usually another process did it first
            last = error
            continue
        log_backup.write(uri, table.version())
    raise NightreelError(f"{contract.table}: {uri} cannot be updated to contract {contract.version}: {last}")


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
    existing = {field.name: field for field in table.schema().fields}
    impossible = [f"the contract has no column {name}" for name in existing.keys() - declared.keys()]
    for name, field in declared.items():
        if name not in existing and not field.nullable:
            impossible.append(f"{name} is new and required")
        elif name in existing and (field.type, field.nullable) != (existing[name].type, existing[name].nullable):
            impossible.append(f"{name} has another type or nullability")
    if impossible:
        raise BadInput(
            f"{contract.table}: the existing table cannot be changed to contract {contract.version} "
            f"({'; '.join(sorted(impossible))}); move the table away, then run its nights again"
        )
    if new_columns := [field for name, field in declared.items() if name not in existing]:
        table.alter.add_columns(
            new_columns, commit_properties=OWN_COMMIT, post_commithook_properties=log_backup.NO_HOOKS
        )
    properties, old_properties = contract.properties(), table.metadata().configuration
    for name in old_properties:
        if name.startswith(_RULE) and name not in properties:
            table.alter.drop_constraint(
                name.removeprefix(_RULE), commit_properties=OWN_COMMIT, post_commithook_properties=log_backup.NO_HOOKS
            )
    if new_properties := dict(properties.items() - old_properties.items()):
        table.alter.set_table_properties(
            new_properties,
            raise_if_not_exists=False,
            commit_properties=OWN_COMMIT,
            post_commithook_properties=log_backup.NO_HOOKS,
        )
