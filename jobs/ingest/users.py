"""silver.users: the users as of the night, from the day's snapshot, under pseudonyms."""

from collections.abc import Sequence

from jobs.ingest.feeds import USERS
from jobs.ingest.snapshot import kept, snapshot
from jobs.platform.job import run_job

_TABLE = "silver.users"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's users."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(kept(snapshot(context, USERS), _TABLE))


if __name__ == "__main__":
    main()
