"""The Delta tables of the lake: how they are read, written a day at a time, and what their logs say. Nobody else opens one.

What jobs use is named here. `verify`, `restore`, `vacuum` and `identity` are modules for the commands that need them. A table
is given by its location (`Settings.uri`) and its contract.

A write: `stage` puts the rows beside the table, `audit` checks them, `commit` publishes them. `history` tells what was published.
"""

from jobs.platform.lake.commit import Overtaken, drop, token
from jobs.platform.lake.files import DataFile, filesystem
from jobs.platform.lake.history import Publication, latest, publications
from jobs.platform.lake.log_backup import Damaged
from jobs.platform.lake.read import Gone, arrow, days, files, frame, has_day, tables, version
from jobs.platform.lake.stage import Unreadable
from jobs.platform.lake.write import create, replace_day

__all__ = [
    "Damaged", "DataFile", "Gone", "Overtaken", "Publication", "Unreadable", "arrow", "create", "days", "drop", "files",
    "filesystem", "frame", "has_day", "latest", "publications", "replace_day", "tables", "token", "version",
]  # fmt: skip
