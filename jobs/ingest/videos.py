"""silver.videos: the catalogue as of the night, from the day's snapshot."""

from collections.abc import Sequence

from jobs.ingest.feeds import VIDEOS
from jobs.ingest.snapshot import kept, snapshot
from jobs.platform.job import run_job

_TABLE = "silver.videos"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's catalogue."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(kept(snapshot(context, VIDEOS), _TABLE))


if __name__ == "__main__":
    main()
