"""Register the DAGs' timetable with all processes of Airflow, which read DAGs from the database."""

from airflow.plugins_manager import AirflowPlugin

from dags._timetable import EndOfDays


class EndOfDaysPlugin(AirflowPlugin):
    """The plugin. Airflow loads it from its plugins folder."""

    name = "end_of_days"
    timetables = [EndOfDays]  # noqa: RUF012, declared like this in Airflow's class
