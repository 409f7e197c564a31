"""silver.campaigns: the ad campaigns at the end of the night, from its snapshot."""

from collections.abc import Sequence

from jobs.ingest.feeds import CAMPAIGNS
from jobs.ingest.snapshot import snapshot, table_rows
from jobs.platform.job import run_job

_TABLE = "silver.campaigns"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's campaigns."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(table_rows(snapshot(context, CAMPAIGNS), _TABLE))


if __name__ == "__main__":
    main()
