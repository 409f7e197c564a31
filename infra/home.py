"""NIGHTREEL_HOME, the folder of all state, and the characters that its path must not contain."""

import os
import re
from pathlib import Path

from infra.environment import ROOT

# Spark reads these as file name patterns, delta-rs as escapes, and a database URL as the start of a query.
_UNREADABLE = re.compile(r"%[0-9A-Fa-f]{2}|[?*\[\]{}\\^|]|[\x00-\x1f\x7f\ud800-\udfff]")


def state_folder() -> Path:
    """Return the absolute path of NIGHTREEL_HOME; by default `.nightreel` in the checkout.

    Raises:
        ValueError: the path contains characters that Spark, Delta or Airflow would misinterpret.
    """
    folder = local_folder("NIGHTREEL_HOME", os.environ.get("NIGHTREEL_HOME") or f"{ROOT}/.nightreel")
    if (expanded := os.path.expandvars(folder)) != str(folder):
        raise ValueError(
            f"NIGHTREEL_HOME={str(folder)!r}: Airflow would read it as {expanded!r}; use that folder or another one"
        )
    return folder


def local_folder(setting: str, path: str) -> Path:
    """Return the absolute path of a setting that is a folder.

    Raises:
        ValueError: the path contains characters that Spark or Delta would misinterpret.
    """
    folder = Path(path).absolute()
    if match := _UNREADABLE.search(str(folder)):
        raise ValueError(
            f"{setting}={str(folder)!r}: Spark and Delta cannot read a path that contains {match[0]!r}; use another folder"
        )
    return folder
