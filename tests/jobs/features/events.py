"""Small random nights for the feature tests: few users, videos and days, so that every case of a window occurs."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

NIGHT = dt.date(2022, 5, 1)
_BEIJING = dt.timezone(dt.timedelta(hours=8))
_SCHEMA = (
    "user_id string, video_id bigint, time_ms bigint, is_click int, is_like int, is_follow int, is_comment int, is_forward int, "
    "is_hate int, long_view int, play_time_ms bigint, duration_ms bigint, tab int, event_date date, arrival_date date"
)


@dataclass(frozen=True)
class Event:
    """The columns of silver.behavior_events that features read."""

    user_id: str
    video_id: int
    time_ms: int
    is_click: int
    is_like: int
    is_follow: int
    is_comment: int
    is_forward: int
    is_hate: int
    long_view: int
    play_time_ms: int
    duration_ms: int | None
    tab: int
    event_date: dt.date
    arrival_date: dt.date

    @property
    def hour(self) -> int:
        """The hour in Beijing."""
        return dt.datetime.fromtimestamp(self.time_ms / 1000, _BEIJING).hour

    @property
    def days_ago(self) -> int:
        """Days from the event to the night."""
        return (NIGHT - self.event_date).days

    def known_at_night(self) -> bool:
        """Whether it had happened and arrived by the end of the night."""
        return self.event_date <= NIGHT and self.arrival_date <= NIGHT


def frame(spark: SparkSession, events: Sequence[Event]) -> DataFrame:
    """Events as silver.behavior_events has them."""
    return spark.createDataFrame([asdict(event) for event in events], _SCHEMA)


@st.composite
def _event(draw: st.DrawFn) -> Event:
    event_date = NIGHT - dt.timedelta(days=draw(st.integers(-1, 9)))
    midnight = dt.datetime.combine(event_date, dt.time(), _BEIJING)
    flag = st.integers(0, 1)
    return Event(
        user_id=f"{draw(st.integers(0, 3)):032x}",
        video_id=draw(st.integers(0, 5)),
        time_ms=round(midnight.timestamp() * 1000) + draw(st.integers(0, 86_399_999)),
        is_click=draw(flag),
        is_like=draw(flag),
        is_follow=draw(flag),
        is_comment=draw(flag),
        is_forward=draw(flag),
        is_hate=draw(flag),
        long_view=draw(flag),
        play_time_ms=draw(st.integers(0, 60_000)),
        duration_ms=draw(st.one_of(st.none(), st.just(0), st.integers(5_000, 40_000))),
        tab=draw(st.integers(0, 2)),
        event_date=event_date,
        arrival_date=event_date + dt.timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 3]))),
    )


nights = st.lists(_event(), min_size=60, max_size=90)
"""Events around the night; some of them happened or arrived after it."""


def with_another_future(events: Sequence[Event], seed: int) -> list[Event]:
    """The same events known at the night in another order, and others that happened or arrived after it."""
    rng = random.Random(seed)
    known = [event for event in events if event.known_at_night()]
    tomorrow = NIGHT + dt.timedelta(days=1)
    happened = [replace(event, event_date=tomorrow, arrival_date=tomorrow) for event in known]
    arrived = [replace(event, arrival_date=tomorrow, time_ms=event.time_ms + 1) for event in known]
    changed = known + rng.sample(happened + arrived, len(known))
    rng.shuffle(changed)
    return changed
