"""Makes campaigns for a source without campaigns, one for each of the most frequent categories of its ad videos."""

import csv
import io
from collections import Counter
from collections.abc import Iterator

from infra.storage import Location, entries
from jobs.ingest.feeds import CAMPAIGNS, NIGHTLY
from jobs.ingest.formats import records
from jobs.ingest.mapping import Mapping

MOST = 6
"""The largest number of campaigns."""


def campaigns_csv(videos: Location, mapping: Mapping) -> bytes:
    """Return the campaigns as CSV, made from a folder of landed videos; no rows if no video has the type AD.

    Videos are grouped by their first category. A campaign shows the video with the lowest id. Its bid grows with the number of
    its videos, and its budget is a thousand bids: arbitrary values, but the same on every run.
    """
    ads = list(_ads(videos, mapping))
    sizes = sorted(Counter(tag for tag, _ in ads).items(), key=lambda item: (-item[1], item[0]))
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(NIGHTLY[CAMPAIGNS].required)
    for number, (tag, size) in enumerate(sizes[:MOST], 1):
        video = min(video for video_tag, video in ads if video_tag == tag)
        bid = round(0.5 + 0.05 * size, 2)
        writer.writerow(
            [number, f"campaign of tag {tag}", f"advertiser {number}", tag, video, bid, round(1000 * bid, 2)]
        )
    return output.getvalue().encode()


def _ads(videos: Location, mapping: Mapping) -> Iterator[tuple[str, int]]:
    """Yield the first category and the id of each ad video, if the files have the feed's own columns."""
    for path in entries(videos) if mapping.columns is None else ():
        if path.name.startswith(("_", ".")):
            continue
        for record in records(path, mapping.format):
            tag = (record.fields.get("tag") or "").split(",")[0]
            if record.problem is None and record.fields["video_type"] == "AD" and tag:
                yield tag, int(record.fields["video_id"] or 0)
