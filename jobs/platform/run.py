"""The scheduler run and the code version that this process belongs to."""

import os
import subprocess
from functools import cache
from pathlib import Path


def run_id() -> str:
    """Return the id of the scheduler run, or `manual` outside of a run."""
    return os.environ.get("NIGHTREEL_RUN_ID", "manual")


def attempt_number() -> int:
    """Return the number of the scheduler's attempt, from 1; 1 outside of a run."""
    return int(os.environ.get("NIGHTREEL_ATTEMPT", "1"))


def code_version() -> str:
    """Return NIGHTREEL_CODE_VERSION (images set it), else the checked-out commit, with `+dirty` if files differ from it."""
    return os.environ.get("NIGHTREEL_CODE_VERSION") or _git_version()


@cache
def _git_version() -> str:
    # git refuses a folder that another user owns. It is safe here: this code already runs from that folder.
    command = ["git", "-c", "safe.directory=*", "describe", "--always", "--abbrev=12", "--dirty=+dirty", "--exclude=*"]
    described = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"
