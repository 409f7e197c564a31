"""Campaigns for a source that has none: a campaign for each of the most frequent categories of its advertising videos."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from jobs.ingest.feeds import CAMPAIGNS, NIGHTLY
from jobs.ingest.formats import records
from jobs.ingest.mapping import Mapping

MOST = 6
"""Campaigns that are made."""


def text(videos: Path, mapping: Mapping) -> bytes:
    """The campaigns as CSV, of a folder of landed videos; none where no video is of the type AD.

    A campaign is about the first category of its videos and shows the first video of them. A bid grows with the number of a
    campaign's videos, a budget is a thousand bids: values that mean little but stay the same.
    """
    ads = list(_ads(videos, mapping))
    sizes = sorted(Counter(tag for tag, _ in ads).items(), key=lambda item: (-item[1], item[0]))
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(NIGHTLY[CAMPAIGNS].required)
    for number, (tag, size) in enumerate(sizes[:MOST], 1):
        video = min(video for video_tag, video in ads if video_tag == tag)
        bid = round(0.5 + 0.05 * size, 2)
        writer.writerow(
            [number, f"campaign of tag {tag}", f"advertiser {number}", tag, video, bid, round(1000 * bid, 2)]
        )
    return written.getvalue().encode()


def _ads(videos: Path, mapping: Mapping) -> Iterator[tuple[str, int]]:
    """First category and id of each advertising video, where the files have the feed's own columns."""
    for path in sorted(videos.glob("[!_.]*")) if mapping.columns is None else ():
        for record in records(path, mapping.format):
            tag = (record.fields.get("tag") or "").split(",")[0]
            if record.problem is None and record.fields["video_type"] == "AD" and tag:
                yield tag, int(record.fields["video_id"] or 0)
