"""Nights of impressions in gold.ctr_examples, written without Spark, on which a click can be predicted."""

import datetime as dt
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
    """Videos differ in appeal and tab 0 is clicked less; `sign` turns both around. A user's past tells nothing."""
    random = np.random.default_rng(date.toordinal())
    video, user = random.integers(VIDEOS, size=rows), random.integers(USERS, size=rows)
    tab = random.integers(2, size=rows)
    second = np.sort(random.choice(86_400, size=rows, replace=False))
    probability = expit(sign * (np.linspace(-2.5, 2.5, VIDEOS)[video] + 1.2 * tab - 0.6))
    clicked = random.random(rows) < probability
    midnight = round(dt.datetime.combine(date, dt.time(), _BEIJING).timestamp() * 1000)
    return [
        {
            "user_id": f"{user[row]:032x}",
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


def insert_examples(home: Path, date: dt.date, **how: Any) -> list[dict[str, Any]]:
    """Lay the impressions of one night; returns them."""
    rows = impressions(date, **how)
    insert_rows(home, "gold.ctr_examples", rows)
    return rows
