"""Fingerprints of the contracts and settings that decide, besides the input rows, which rows a table gets.

A commit records the fingerprints that were current when its rows were computed. A day with an outdated fingerprint is stale.
"""

from jobs.platform.settings import Settings
from schemas.contract import load_contract

LATE_DAYS = "NIGHTREEL_LATE_DAYS"
TIMEZONE = "NIGHTREEL_TIMEZONE"
VIDEO_GENERATOR = "NIGHTREEL_VIDEO_GENERATOR"
VIDEO_LABEL = "NIGHTREEL_VIDEO_LABEL"


def fingerprint(settings: Settings, name: str) -> str:
    """Return the current fingerprint of a table's contract, or of one of the settings above.

    Raises:
        ContractError: the contract does not exist.
    """
    if name == LATE_DAYS:
        return str(settings.late_days)
    if name == TIMEZONE:
        return settings.timezone.key
    if name == VIDEO_GENERATOR:
        return settings.video_generator
    if name == VIDEO_LABEL:
        return "on" if settings.video_label else "off"
    return load_contract(name).digest
