"""When a view is long: the video was watched to its end, or for so many seconds that its length no longer matters.

Times count in whole seconds. So they do in KuaiRand's log: the rule gives the flag of every one of its views. A flag that a log
has is kept; the rule makes that of simulated views, and of logs whose mapping gives no `long_view`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH_S = 18
"""Seconds after which a view is long whatever the length of the video; also where that is not known."""


def is_long_view(play_time_ms: "NDArray[np.integer]", duration_ms: "NDArray[np.integer]") -> "NDArray[np.bool_]":
    """Whether each view is long.

    Args:
        play_time_ms: (views,) time played.
        duration_ms: (views,) length of the video, 0 where it is not known.
    """
    enough = (duration_ms // 1000).clip(max=ENOUGH_S)
    enough[duration_ms <= 0] = ENOUGH_S
    return play_time_ms // 1000 >= enough


def long_view_sql(play_time_ms: str, duration_ms: str) -> str:
    """The same as Spark SQL over texts: '1', '0', or null where there is no time played.

    Args:
        play_time_ms: expression of a text.
        duration_ms: expression of a text.
    """
    played, length = (f"floor(try_cast({text} AS DOUBLE) / 1000)" for text in (play_time_ms, duration_ms))
    enough = f"CASE WHEN try_cast({duration_ms} AS DOUBLE) > 0 THEN least({length}, {ENOUGH_S}) ELSE {ENOUGH_S} END"
    return f"string(int({played} >= {enough}))"
