"""silver.users: the users at the end of the night, from its snapshot, with pseudonyms as ids."""

from collections.abc import Sequence

from jobs.ingest.feeds import USERS
from jobs.ingest.snapshot import snapshot, table_rows
from jobs.platform.job import run_job

_TABLE = "silver.users"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's users."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(table_rows(snapshot(context, USERS), _TABLE))


if __name__ == "__main__":
    main()
