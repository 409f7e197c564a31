"""silver.campaigns: the ad campaigns as of the night, from the day's snapshot."""

from collections.abc import Sequence

from jobs.ingest.feeds import CAMPAIGNS
from jobs.ingest.snapshot import kept, snapshot
from jobs.platform.job import run_job

_TABLE = "silver.campaigns"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's campaigns."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(kept(snapshot(context, CAMPAIGNS), _TABLE))


if __name__ == "__main__":
    main()
