"""What decides which rows a table gets beside the rows that come in: contracts, and some settings.

A commit names the rules that it was made under and what they said, so that a day that was made under another one is found.
"""

from jobs.platform.settings import Settings
from schemas.contract import contract

LATE_DAYS = "NIGHTREEL_LATE_DAYS"
TIMEZONE = "NIGHTREEL_TIMEZONE"


def rule(settings: Settings, name: str) -> str:
    """What the rule of this name, a table with a contract or one of the settings above, says now.

    Raises:
        ContractError: there is no such contract.
    """
    if name == LATE_DAYS:
        return str(settings.late_days)
    if name == TIMEZONE:
        return settings.timezone.key
    return contract(name).digest
