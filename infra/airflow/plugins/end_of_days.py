"""Makes the timetable of the DAGs known to all processes of Airflow, which read a DAG from its database."""

from airflow.plugins_manager import AirflowPlugin

from dags._timetable import EndOfDays


class EndOfDaysPlugin(AirflowPlugin):
    """The plugin; Airflow finds it in its plugins folder."""

    name = "end_of_days"
    timetables = [EndOfDays]  # noqa: RUF012, as Airflow's own class has it
