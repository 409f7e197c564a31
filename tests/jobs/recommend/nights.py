"""Synthetic nights, as the input tables of the recommend stage."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from jobs.recommend.interactions_as_of import query
from tests.jobs.lake import arrow, insert_rows
from tests.models.recommend.tastes import GROUPS, interactions

FIRST = dt.date(2022, 5, 1)
SECOND = dt.date(2022, 5, 2)
VIDEOS = 40
USERS = 60
INVISIBLE = 7
TAGS = ("美食", "旅游", "健康", "12")


def user(number: int) -> str:
    return f"{number:032x}"


def video(column: int) -> int:
    return 1000 + 3 * column


def write_videos(home: Path, date: dt.date, count: int = VIDEOS) -> None:
    rows = [
        {
            "video_id": video(i),
            "visible": i != INVISIBLE,
            "tags": [TAGS[i % GROUPS]],
            "title": f"标题{i}" if i % 2 else None,
            "arrival_date": date,
        }
        for i in reversed(range(count))
    ]
    insert_rows(home, "silver.videos", rows)


def interaction_rows(date: dt.date, before: bool) -> list[dict[str, Any]]:
    """Return one row of gold.daily_interactions for each pair. With `before`, 2/3 of the pairs were watched the day before, the
    others on the night; half of the views are long.
    """
    watched = interactions(USERS, VIDEOS, seed=date.day).tocoo()
    order = np.random.default_rng(date.day).permutation(watched.nnz)
    rows = []
    for index in order:
        earlier = before and index % 3 > 0
        rows.append(
            {
                "user_id": user(int(watched.row[index])),
                "video_id": video(int(watched.col[index])),
                "event_date": date - dt.timedelta(days=int(earlier)),
                "views": 1,
                "long_views": int(index % 2),
                "strength_millionths": round(float(watched.data[index]) * 1e6),
                "date": date,
            }
        )
    return rows


def as_of(rows: list[dict[str, Any]], night: dt.date) -> pa.Table:
    """Return the interactions as of a night, from rows of gold.daily_interactions."""
    with duckdb.connect() as connection:
        connection.register("daily", arrow("gold.daily_interactions", rows))
        return connection.sql(query(night, "daily")).to_arrow_table()


def write_night(home: Path, date: dt.date, before: bool) -> None:
    write_videos(home, date)
    insert_rows(home, "gold.daily_interactions", interaction_rows(date, before))
