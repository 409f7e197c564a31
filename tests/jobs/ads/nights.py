"""Synthetic nights of predictable impressions in gold.ctr_examples, written without Spark."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from scipy.special import expit

from tests.jobs.lake import insert_rows

FIRST = dt.date(2022, 5, 1)
SECOND = dt.date(2022, 5, 2)
USERS, VIDEOS, ROWS = 40, 15, 2000

_BEIJING = ZoneInfo("Asia/Shanghai")


def impressions(date: dt.date, rows: int = ROWS, sign: float = 1.0) -> list[dict[str, Any]]:
    """Return impressions: videos differ in click rate, and tab 0 has fewer clicks; `sign=-1` inverts both effects. Users do not
    differ.
    """
    rng = np.random.default_rng(date.toordinal())
    video, user = rng.integers(VIDEOS, size=rows), rng.integers(USERS, size=rows)
    tab = rng.integers(2, size=rows)
    second = np.sort(rng.choice(86_400, size=rows, replace=False))
    probability = expit(sign * (np.linspace(-2.5, 2.5, VIDEOS)[video] + 1.2 * tab - 0.6))
    clicked = rng.random(rows) < probability
    midnight = round(dt.datetime.combine(date, dt.time(), _BEIJING).timestamp() * 1000)
    return [
        {
            "user_id": hashlib.md5(str(user[row]).encode()).hexdigest(),  # evenly distributed like a pseudonym
            "video_id": int(video[row]),
            "time_ms": midnight + 1000 * int(second[row]),
            "label": int(clicked[row]),
            "hour": int(second[row]) // 3600,
            "tab": int(tab[row]),
            "video_views_7d": int(video[row]) * 10 + 5,
            "user_views_7d": None if user[row] % 5 == 0 else int(user[row]),
            "tags": [["旅游"], ["美食", "健康"], []][video[row] % 3],
            "video_type": "NORMAL",
            "author_id": int(video[row]) // 2,
            "date": date,
        }
        for row in range(rows)
    ]


def write_examples(home: Path, date: dt.date, **options: Any) -> list[dict[str, Any]]:
    """Write the impressions of one night and return them."""
    rows = impressions(date, **options)
    insert_rows(home, "gold.ctr_examples", rows)
    return rows
