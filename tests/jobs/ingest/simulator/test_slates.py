import datetime as dt

import pyarrow
import pyarrow.dataset

from jobs.ingest.simulator.slates import RANKS, slates
from jobs.platform.pseudonym import pseudonym

KEY = bytes(range(32))
NIGHT = dt.date(2022, 5, 1)


def test_a_slate_has_each_rank_in_its_place() -> None:
    rows = [
        {"date": NIGHT, "user_id": pseudonym(1, KEY), "rank": 2, "video_id": 12},
        {"date": NIGHT, "user_id": pseudonym(1, KEY), "rank": 1, "video_id": 11},
        {"date": NIGHT, "user_id": pseudonym(0, KEY), "rank": 50, "video_id": 50},
        {"date": NIGHT, "user_id": pseudonym(7, KEY), "rank": 1, "video_id": 70},
        {"date": NIGHT, "user_id": "0" * 32, "rank": 1, "video_id": 1},
        {"date": NIGHT - dt.timedelta(days=1), "user_id": pseudonym(2, KEY), "rank": 1, "video_id": 21},
    ]
    table = pyarrow.Table.from_pylist(rows)
    found = slates(pyarrow.dataset.dataset(table), NIGHT, 3, KEY)
    assert found.shape == (3, RANKS)
    assert found[1, :3].tolist() == [11, 12, -1]
    assert found[0, 49] == 50
    assert (found >= 0).sum() == 3
