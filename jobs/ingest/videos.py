"""silver.videos: the videos at the end of the night, from its snapshot."""

from collections.abc import Sequence

from jobs.ingest.feeds import VIDEOS
from jobs.ingest.snapshot import snapshot, table_rows
from jobs.platform.job import run_job

_TABLE = "silver.videos"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's videos."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(table_rows(snapshot(context, VIDEOS), _TABLE))


if __name__ == "__main__":
    main()
