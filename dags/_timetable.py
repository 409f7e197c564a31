"""A timetable with one run per day, at the end of each day of a time zone, also if clocks change at midnight.

Airflow's cron timetables require that 00:00 exists exactly once. In zones whose clocks change at midnight (Cairo, Santiago,
Beirut, Havana) they give a night another logical date than the midnight that the user enters, so a backfill finds no run.
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from pendulum import UTC, DateTime, instance

from schemas.days import beginning, day_of

_SECOND = dt.timedelta(seconds=1)


class EndOfDays(Timetable):
    """Data intervals from midnight to midnight, of one day or of one week.

    Args:
        zone: name of the time zone.
        weekday: first day of a week, 0 for Monday; None for daily runs.
    """

    def __init__(self, zone: str, weekday: int | None = None) -> None:
        self._zone = ZoneInfo(zone)
        self._weekday = weekday
        self.description = f"{'Daily' if weekday is None else 'Weekly'}, at midnight in {zone}"

    def serialize(self) -> dict[str, Any]:
        """Return the arguments of the timetable, for `deserialize` in another process of Airflow."""
        return {"zone": self._zone.key, "weekday": self._weekday}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """Return the timetable that was serialized."""
        return cls(**data)

    @property
    def summary(self) -> str:
        """The schedule as shown in the UI."""
        return self.description

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the last interval that is over."""
        end = self._at_or_before(run_after)
        return DataInterval(self._at_or_before(end - _SECOND), end)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the interval after the last one, or the first one that the restriction allows."""
        starts = []
        if restriction.earliest is not None:
            starts.append(self._at_or_after(self._midnight(restriction.earliest)))
        if (last := last_automated_data_interval) is not None:
            # If the zone was changed since, the last end is not a midnight of this zone; still skip no day and repeat none.
            starts += [self._at_or_before(last.end), self._at_or_after(last.start + _SECOND)]
        if not restriction.catchup:
            starts.append(self.infer_manual_data_interval(run_after=DateTime.now(UTC)).start)
        if not starts:
            return None
        start = max(starts)
        if restriction.latest is not None and start > self._midnight(restriction.latest):
            return None
        return DagRunInfo.interval(start, self._at_or_after(start + _SECOND))

    def _midnight(self, moment: dt.datetime) -> dt.datetime:
        """Return the beginning of the day if `moment` is a local midnight. A browser may send either of two midnights."""
        local = moment.astimezone(self._zone)
        return beginning(local.date(), self._zone) if local.time() == dt.time() else moment

    def _at_or_after(self, moment: dt.datetime) -> DateTime:
        return instance(min(start for start in self._starts(moment) if start >= moment))

    def _at_or_before(self, moment: dt.datetime) -> DateTime:
        return instance(max(start for start in self._starts(moment) if start <= moment))

    def _starts(self, moment: dt.datetime) -> list[dt.datetime]:
        """Return the starts of the intervals around a moment."""
        today = day_of(moment, self._zone)
        reach = 2 if self._weekday is None else 8
        days = [today + dt.timedelta(days=number) for number in range(-reach, reach + 1)]
        return [beginning(day, self._zone) for day in days if self._weekday in (None, day.weekday())]
