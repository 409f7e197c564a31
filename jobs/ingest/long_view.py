"""The rule for long views: the video was watched to its end, or for ENOUGH_S seconds.

Times are compared in whole seconds, as in KuaiRand's log: the rule reproduces the flag of every view there. A flag in the log is
kept; the rule computes it for simulated views and for logs whose mapping gives no `long_view`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH_S = 18
"""Seconds after which a view is long whatever the length of the video; also used if the length is unknown."""


def is_long_view(play_time_ms: "NDArray[np.integer]", duration_ms: "NDArray[np.integer]") -> "NDArray[np.bool_]":
    """Return for each view whether it is long.

    Args:
        play_time_ms: (views,) time played.
        duration_ms: (views,) length of the video, 0 if unknown.
    """
    enough = (duration_ms // 1000).clip(max=ENOUGH_S)
    enough[duration_ms <= 0] = ENOUGH_S
    return play_time_ms // 1000 >= enough


def long_view_sql(play_time_ms: str, duration_ms: str) -> str:
    """Return the same rule as a Spark SQL expression over strings: '1', '0', or null if the play time is missing.

    Args:
        play_time_ms: SQL expression of a string.
        duration_ms: SQL expression of a string.
    """
    played, length = (f"floor(try_cast({text} AS DOUBLE) / 1000)" for text in (play_time_ms, duration_ms))
    enough = f"CASE WHEN try_cast({duration_ms} AS DOUBLE) > 0 THEN least({length}, {ENOUGH_S}) ELSE {ENOUGH_S} END"
    return f"string(int({played} >= {enough}))"
