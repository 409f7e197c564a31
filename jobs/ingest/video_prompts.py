"""silver.video_prompts: the videos that users asked for in the night, as they wrote them, with pseudonyms as ids.

The feed is optional: a night without it has no rows. Whether a request can be served is decided later (`jobs.video.requests`), so
that whatever a user writes is answered, and only lines that the app has broken are quarantined.
"""

from collections.abc import Sequence

from jobs.ingest.feeds import VIDEO_PROMPTS
from jobs.ingest.snapshot import snapshot, table_rows
from jobs.platform.job import run_job

_TABLE = "silver.video_prompts"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's prompts."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(table_rows(snapshot(context, VIDEO_PROMPTS), _TABLE))


if __name__ == "__main__":
    main()
