"""Fingerprints of what decides which rows a table gets besides its input rows: contracts, and two settings.

A commit records those that its rows were made under. A day whose recorded fingerprint is no longer the current one is stale.
"""

from jobs.platform.settings import Settings
from schemas.contract import load_contract

LATE_DAYS = "NIGHTREEL_LATE_DAYS"
TIMEZONE = "NIGHTREEL_TIMEZONE"


def fingerprint(settings: Settings, name: str) -> str:
    """The current fingerprint of a table's contract, or of one of the settings above.

    Raises:
        ContractError: there is no such contract.
    """
    if name == LATE_DAYS:
        return str(settings.late_days)
    if name == TIMEZONE:
        return settings.timezone.key
    return load_contract(name).digest
