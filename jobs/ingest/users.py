"""silver.users: the users as of the night, from the day's snapshot, under pseudonyms."""

from collections.abc import Sequence

from jobs.ingest.feeds import USERS
from jobs.ingest.snapshot import kept, snapshot
from jobs.platform.job import job

_TABLE = "silver.users"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's users."""
    with job(argv, __doc__, writes=_TABLE) as night:
        night.write(kept(snapshot(night, USERS), _TABLE))


if __name__ == "__main__":
    main()
