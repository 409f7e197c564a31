"""Which run of the scheduler, and which version of the code, this process belongs to."""

import os
import subprocess
from functools import cache
from pathlib import Path


def run_id() -> str:
    """Which run of the scheduler this process belongs to, `manual` outside of one."""
    return os.environ.get("NIGHTREEL_RUN_ID", "manual")


def code_version() -> str:
    """NIGHTREEL_CODE_VERSION (images set it), else the commit checked out, `+dirty` where files differ from it."""
    return os.environ.get("NIGHTREEL_CODE_VERSION") or _checked_out()


@cache
def _checked_out() -> str:
    # Whoever runs this code trusts its folder, though git does not where it is another user's.
    command = ["git", "-c", "safe.directory=*", "describe", "--always", "--abbrev=12", "--dirty=+dirty", "--exclude=*"]
    described = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"
