"""Which days of which tables a night of each table is made from.

A table's commit names the versions of the tables that its job read; which of their days went into the night is said here. Days
after the night never do: a night is made of what had arrived by its end.
"""

import datetime as dt
from collections.abc import Mapping

_NIGHT = range(1)
_DAY_BEFORE = range(1, 2)
_TWO_SNAPSHOTS = range(2)
_WEEK = range(7)
_MONTH = range(30)
_ANY = range(4000)


def days_read(table: str, night: dt.date, late_days: int) -> dict[str, list[dt.date]]:
    """The days of each table that a night of `table` is made from, newest first.

    Args:
        table: layer and name.
        night: the night.
        late_days: how late an event may arrive.
    """
    return {
        read: [night - dt.timedelta(days=ago) for ago in back] for read, back in _days_ago(late_days)[table].items()
    }


def days_trained_on(read: str, night: dt.date) -> list[dt.date]:
    """The days of a table that a model of the night was trained and judged on, newest first."""
    return [night - dt.timedelta(days=ago) for ago in _TRAINED_ON.get(read, _ANY)]


_TRAINED_ON = {"gold.interactions": _NIGHT, "silver.videos": _NIGHT, "gold.ctr_examples": range(8)}


def _days_ago(late_days: int) -> Mapping[str, Mapping[str, range]]:
    features = {"gold.user_features": _NIGHT, "gold.video_features": _NIGHT}
    snapshots = {"silver.users": _TWO_SNAPSHOTS, "silver.videos": _TWO_SNAPSHOTS}
    return {
        "bronze.behavior_log": {},
        "silver.users": {},
        "silver.videos": {},
        "silver.campaigns": {},
        # An event that comes again is a duplicate; it first came on its own day at the earliest.
        "silver.behavior_events": {
            "bronze.behavior_log": _NIGHT,
            "silver.behavior_events": range(1, late_days + 1),
        },
        "silver.quarantine": {"bronze.behavior_log": _NIGHT},
        "ops.reconciliation": {
            "bronze.behavior_log": _NIGHT,
            "silver.behavior_events": range(late_days + 1),
            "silver.quarantine": _NIGHT,
            "silver.users": _NIGHT,
            "silver.videos": _NIGHT,
            "silver.campaigns": _NIGHT,
        },
        "gold.user_features": {"silver.behavior_events": _WEEK, "silver.videos": _NIGHT},
        "gold.video_features": {"silver.behavior_events": _WEEK, "silver.videos": _NIGHT},
        "gold.interactions": {"silver.behavior_events": _MONTH, "silver.watch_history": _MONTH},
        "gold.ctr_examples": {
            "silver.behavior_events": _NIGHT,
            "gold.user_features": _DAY_BEFORE,
            "gold.video_features": _DAY_BEFORE,
            **snapshots,
        },
        "gold.recommendations": {"gold.interactions": _NIGHT, "silver.videos": _NIGHT},
        "gold.audience_segments": {**features, **snapshots, "silver.campaigns": _NIGHT},
        "gold.video_requests": {**features, "silver.videos": _NIGHT},
        "gold.generated_videos": {"gold.video_requests": _NIGHT},
    }


NIGHTLY = tuple(_days_ago(0))
"""The tables that a run of a night writes, each after those that it is made from; silver.watch_history lands only once."""
