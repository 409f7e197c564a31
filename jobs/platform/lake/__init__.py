"""The Delta tables of the lake: reads them, writes them one day at a time, and interprets their logs.

No other package opens a Delta table. Jobs use the names exported here; `verify`, `restore`, `vacuum` and `identity` are modules
for single commands. A table is given by its location (`Settings.uri`) and its contract.

A write has three steps: `stage` writes the rows to files beside the table, `audit` checks them, `commit` publishes them.
`history` lists the publications.
"""

from jobs.platform.lake.commit import Overtaken, drop, token
from jobs.platform.lake.files import DataFile, filesystem
from jobs.platform.lake.history import Publication, latest, publications
from jobs.platform.lake.log_backup import Damaged
from jobs.platform.lake.read import VersionGone, arrow, count_rows, days, files, frame, has_day, tables, version
from jobs.platform.lake.rewrite import consists_of, rewrite_files
from jobs.platform.lake.stage import Unreadable
from jobs.platform.lake.write import create, replace_day

__all__ = [
    "Damaged", "DataFile", "Overtaken", "Publication", "Unreadable", "VersionGone", "arrow", "consists_of", "count_rows",
    "create", "days", "drop", "files", "filesystem", "frame", "has_day", "latest", "publications", "replace_day", "rewrite_files",
    "tables", "token", "version",
]  # fmt: skip
