"""Makes a table older than it is, for what waits a week before it removes files."""

import os
import re
import shutil
import time
from pathlib import Path

from deltalake import DeltaTable

from jobs.platform.lake import log_backup


def age(uri: str, days: float) -> None:
    """Make all that happened to the table so far lie that much longer ago."""
    at = time.time() - days * 86_400
    for path in Path(uri).rglob("*"):
        if path.is_file():
            os.utime(path, (at, at))
    for commit in Path(uri, "_delta_log").glob("*.json"):
        commit.write_text(
            re.sub(r'"deletionTimestamp":\d+', f'"deletionTimestamp":{int(at * 1000)}', commit.read_text())
        )
        os.utime(commit, (at, at))
    shutil.rmtree(Path(uri, "_receipts"))  # or the log would be found damaged
    log_backup.write(uri, DeltaTable(uri).version())
