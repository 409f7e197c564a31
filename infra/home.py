"""NIGHTREEL_HOME, the folder of all state, and what no path of ours may hold."""

import os
import re
from pathlib import Path

from infra.environment import ROOT

# Patterns of file names to Spark, escapes to delta-rs, the beginning of a query in a database's URL.
_UNREADABLE = re.compile(r"%[0-9A-Fa-f]{2}|[?*\[\]{}\\^|]|[\x00-\x1f\x7f\ud800-\udfff]")


def state_folder() -> Path:
    """NIGHTREEL_HOME, absolute; `.nightreel` of the checkout unless set.

    Raises:
        ValueError: its name holds what Spark, Delta or Airflow would read otherwise.
    """
    folder = local_folder("NIGHTREEL_HOME", os.environ.get("NIGHTREEL_HOME") or f"{ROOT}/.nightreel")
    if (read := os.path.expandvars(folder)) != str(folder):
        raise ValueError(
            f"NIGHTREEL_HOME={str(folder)!r}: Airflow would read it as {read!r}; use another folder, or this one"
        )
    return folder


def local_folder(setting: str, path: str) -> Path:
    """The folder that a setting names, absolute.

    Raises:
        ValueError: its name holds what Spark or Delta would read otherwise.
    """
    folder = Path(path).absolute()
    if found := _UNREADABLE.search(str(folder)):
        raise ValueError(
            f"{setting}={str(folder)!r}: Spark and Delta cannot read below a folder with {found[0]!r} in its name; use another"
        )
    return folder
