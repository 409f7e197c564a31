"""The feeds of a night: the columns that their files must have, and how these become the rows of a table.

A feed has the columns of its table's contract, by name and in any order, plus those listed here. Nullable columns of the contract
that are not listed may be missing in a file, so that a landing stays readable when the contract gains columns. Unknown columns
are kept in bronze and reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.ingest.long_view import long_view_sql
from schemas.contract import Column, load_contract

BEHAVIOR_LOGS = "behavior_logs"
USERS = "users"
VIDEOS = "videos"
CAMPAIGNS = "campaigns"
VIDEO_PROMPTS = "video_prompts"
WATCH_HISTORY = "watch_history"


@dataclass(frozen=True)
class Feed:
    """The files that land in one kind of folder, and the table that they fill."""

    name: str
    table: str
    required: tuple[str, ...]
    """Columns that every file must have."""
    derived: Mapping[str, str] = field(default_factory=dict)
    """Computed columns of the table: name -> Spark SQL over the feed's typed columns; `{zone}` is the lake's zone."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Reasons to quarantine a row, in addition to the contract's rules: name -> Spark SQL, a string or null for valid rows.

    `{zone}` is the lake's time zone, `{late_days}` NIGHTREEL_LATE_DAYS.
    """
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Columns that a mapping may leave out: name -> Spark SQL of a string over the feed's string columns."""
    added: tuple[str, ...] = ()
    """Columns of the table that tell where a row came from."""
    dates: Mapping[str, str] = field(default_factory=dict)
    """Date columns that are written as numbers -> their format."""

    @property
    def personal(self) -> bool:
        """True if the rows are personal data. Such feeds have a user_id."""
        return any(column.personal for column in load_contract(self.table).columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that a file may have."""
        return tuple(dict.fromkeys((*self.required, *(column.name for column in self.typed))))

    @property
    def optional(self) -> tuple[str, ...]:
        """Columns that may be missing in a file."""
        return tuple(name for name in self.columns if name not in self.required)

    @property
    def typed(self) -> tuple[Column, ...]:
        """The columns of the contract that come from the file."""
        computed = {*self.derived, *self.added, "arrival_date"}
        return tuple(column for column in load_contract(self.table).columns if column.name not in computed)


_LATEST_MS = 4_102_444_800_000  # 2100
# Times outside this range are not converted, because the conversion would overflow.
_TIME = f"timestamp_millis(CASE WHEN {{time_ms}} BETWEEN 0 AND {_LATEST_MS} THEN {{time_ms}} END)"
# Times of 1973 to 2100 in seconds, read as milliseconds, are all in the first weeks of 1970. Times in other units are far away.
_IN_SECONDS = f"time_ms BETWEEN 100000000 AND {_LATEST_MS // 1000}"
_LATE = "datediff(arrival_date, event_date)"

_BEHAVIOR_LOGS = Feed(
    BEHAVIOR_LOGS,
    "silver.behavior_events",
    required=(
        *("user_id", "video_id", "date", "hourmin", "time_ms"),
        *("is_click", "is_like", "is_follow", "is_comment", "is_forward", "is_hate", "long_view"),
        *(
            "play_time_ms",
            "duration_ms",
            "profile_stay_time",
            "comment_stay_time",
            "is_profile_enter",
            "is_rand",
            "tab",
        ),
    ),
    derived={"event_date": f"to_date(from_utc_timestamp({_TIME.format(time_ms='time_ms')}, '{{zone}}'))"},
    reasons={
        "time_in_seconds": f"CASE WHEN {_IN_SECONDS} THEN "
        "concat('time_in_seconds: time_ms should be in milliseconds: ', time_ms) END",
        "no_time": f"CASE WHEN time_ms NOT BETWEEN 0 AND {_LATEST_MS} THEN "
        "concat('time_ms is no time between 1970 and 2100 in milliseconds: ', time_ms) END",
        "too_late": f"CASE WHEN {_LATE} > {{late_days}} AND NOT ({_IN_SECONDS}) THEN "
        f"concat('too_late: ', {_LATE}, ' days after its own day, NIGHTREEL_LATE_DAYS is {{late_days}}') END",
    },
    defaults={
        name: f"date_format(from_utc_timestamp({_TIME.format(time_ms='try_cast(time_ms AS BIGINT)')}, '{{zone}}'), '{pattern}')"
        for name, pattern in (("date", "yyyyMMdd"), ("hourmin", "HHmm"))
    }
    | {"long_view": long_view_sql("play_time_ms", "duration_ms")},
    added=("log_file", "log_line"),
    dates={"date": "yyyyMMdd"},
)
_USERS = Feed(
    USERS,
    "silver.users",
    required=(
        *("user_id", "user_active_degree", "is_lowactive_period", "is_live_streamer", "is_video_author"),
        *("follow_user_num", "follow_user_num_range", "fans_user_num", "fans_user_num_range"),
        *("friend_user_num", "friend_user_num_range", "register_days", "register_days_range"),
        *(f"onehot_feat{number}" for number in range(18)),
    ),
)
_VIDEOS = Feed(
    VIDEOS,
    "silver.videos",
    required=(
        *("video_id", "author_id", "video_type", "upload_dt", "upload_type", "visible_status", "video_duration"),
        *("server_width", "server_height", "music_id", "music_type", "tag"),
    ),
    derived={
        "tags": "filter(transform(split(coalesce(tag, ''), ','), name -> trim(name)), name -> name != '')",
        "visible": "coalesce(visible_status = 0, false)",
    },
)
_CAMPAIGNS = Feed(
    CAMPAIGNS, "silver.campaigns", required=("campaign_id", "name", "advertiser", "tag", "video_id", "bid", "budget")
)
_VIDEO_PROMPTS = Feed(VIDEO_PROMPTS, "silver.video_prompts", required=("request", "user_id", "text"))
_WATCH_HISTORY = Feed(
    WATCH_HISTORY,
    "silver.watch_history",
    required=("user_id", "watch_seq", "like_seq", "long_watch_seq"),
)

NIGHTLY: Mapping[str, Feed] = {feed.name: feed for feed in (_BEHAVIOR_LOGS, _USERS, _VIDEOS, _CAMPAIGNS)}
"""The feeds that every night must have: the log, and snapshots taken at the end of the day."""

OPTIONAL: Mapping[str, Feed] = {VIDEO_PROMPTS: _VIDEO_PROMPTS}
"""The feeds that a night may lack: it then has no rows of them."""

RECONCILED: Mapping[str, Feed] = {**NIGHTLY, **OPTIONAL}
"""The feeds of a night whose rows are quarantined and counted."""

FEEDS: Mapping[str, Feed] = {**RECONCILED, WATCH_HISTORY: _WATCH_HISTORY}
"""All feeds. The watch history lands only once, under its last day."""
