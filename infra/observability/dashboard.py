"""Writes the Grafana dashboard: ``python -m infra.observability.dashboard > infra/observability/dashboard.json``."""

from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BarGaugeDisplayMode, VizOrientation
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh, VariableSort

_SOURCE = DataSourceRef(type_val="prometheus", uid="$source")
_HALF, _THIRD, _HEIGHT = 12, 8, 8


def dashboard() -> str:
    """Return the dashboard as JSON: one night at a glance, and how the last days compare with it."""
    builder = (
        Dashboard("Nightreel: the night at a glance")
        .uid("nightreel-night")
        .tags(["nightreel"])
        .time("now-7d", "now")
        .refresh("1m")
        .with_variable(DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .with_variable(
            QueryVariable("night")
            .label("Night")
            .datasource(_SOURCE)
            .query("label_values(nightreel_job_duration_seconds, night)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_DESC)
        )
        .with_row(Row("Is everything done?"))
        .with_panel(
            _stat(
                "Time since the end of the last published night",
                "s",
                'time() - max by (table) (max_over_time(nightreel_table_night_timestamp_seconds{table=~"gold.+"}[14d]))',
                "{{table}}",
            ).span(24)
        )
        .with_panel(
            StateTimeline()
            .title("Alerts")
            .datasource(_SOURCE)
            .height(_HEIGHT)
            .span(_HALF)
            .with_target(_query('max by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}"))
        )
        .with_panel(
            _lines(
                "Attempts that failed, by outcome",
                "short",
                'count by (module, outcome) (last_over_time(nightreel_job_attempt{outcome!="ok"}[1d]))',
                "{{module}} {{outcome}}",
            ).span(_HALF)
        )
        .with_row(Row("Night $night"))
        .with_panel(
            _bars(
                "Seconds of each job",
                "s",
                'sort_desc(last_over_time(nightreel_job_duration_seconds{night="$night", outcome="ok"}[$__range]))',
                "{{module}} {{model}}",
            )
        )
        .with_panel(
            _bars(
                "Rows of each table",
                "short",
                'sort_desc(last_over_time(nightreel_job_rows{night="$night", outcome="ok"}[$__range]))',
                "{{table}}",
            )
        )
        .with_panel(
            _bars(
                "Retries",
                "short",
                'last_over_time(nightreel_job_attempt{night="$night"}[$__range]) - 1 > 0',
                "{{module}} {{model}} {{outcome}}",
            )
        )
        .with_row(Row("From night to night"))
        .with_panel(
            _lines(
                "Seconds of each job",
                "s",
                'max by (module, model) (last_over_time(nightreel_job_duration_seconds{outcome="ok"}[1d]))',
                "{{module}} {{model}}",
            ).span(_HALF)
        )
        .with_panel(
            _lines(
                "Rows of each table",
                "short",
                'max by (table) (last_over_time(nightreel_job_rows{outcome="ok"}[1d]))',
                "{{table}}",
            ).span(_HALF)
        )
        .with_panel(
            _lines(
                "Seconds of all jobs of a night, by phase",
                "s",
                'sum by (phase) (last_over_time(nightreel_job_phase_duration_seconds{outcome="ok"}[1d]))',
                "{{phase}}",
            )
        )
        .with_panel(
            _lines(
                "Bytes written by each job",
                "bytes",
                'max by (table) (last_over_time(nightreel_job_written_bytes{outcome="ok"}[1d]))',
                "{{table}}",
            )
        )
        .with_panel(
            _lines(
                "Size of each table",
                "bytes",
                "max by (table) (last_over_time(nightreel_table_size_bytes[1d]))",
                "{{table}}",
            )
        )
        .with_panel(
            _lines(
                "Free disk of NIGHTREEL_HOME", "percentunit", "last_over_time(nightreel_disk_free_ratio[1d])", "free"
            )
        )
        .with_row(Row("Airflow, Spark and GPUs"))
        .with_panel(
            _lines(
                "Running tasks",
                "short",
                "airflow:pool_running:slots",
                "{{pool_name}}",
            )
        )
        .with_panel(
            _lines(
                "Waiting tasks",
                "short",
                "airflow:pool_queued:slots + airflow:pool_scheduled:slots",
                "{{pool_name}}",
            )
        )
        .with_panel(
            _lines(
                "Heartbeats of the scheduler, per second",
                "short",
                "sum(rate(airflow_scheduler_heartbeat_total[5m]))",
                "",
            )
        )
        .with_panel(
            _lines(
                "Executors",
                "short",
                "sum by (instance) (metrics_nightreel_driver_ExecutorAllocationManager_executors_numberAllExecutors_Value)",
                "{{instance}}",
            )
        )
        .with_panel(
            _lines(
                "Spark heap",
                "bytes",
                "max by (instance, executor_id) (metrics_executor_JVMHeapMemory_bytes)",
                "{{instance}} {{executor_id}}",
            )
        )
        .with_panel(
            _lines(
                "GPU busy while it generates videos",
                "percentunit",
                "max by (night) (last_over_time(nightreel_job_gpu_busy_ratio[1d]))",
                "{{night}}",
            )
        )
    )
    return JSONEncoder(sort_keys=True, indent=2).encode(builder.build())


def _query(expression: str, legend: str) -> Dataquery:
    return Dataquery().ref_id("A").expr(expression).legend_format(legend)


def _lines(title: str, unit: str, expression: str, legend: str) -> Timeseries:
    panel = Timeseries().title(title).unit(unit).datasource(_SOURCE).height(_HEIGHT).span(_THIRD)
    return panel.min(0).with_target(_query(expression, legend))


def _stat(title: str, unit: str, expression: str, legend: str) -> Stat:
    panel = Stat().title(title).unit(unit).datasource(_SOURCE).height(_HEIGHT // 2)
    return panel.with_target(_query(expression, legend).instant())


def _bars(title: str, unit: str, expression: str, legend: str) -> BarGauge:
    panel = BarGauge().title(title).unit(unit).datasource(_SOURCE).height(2 * _HEIGHT).span(_THIRD)
    panel.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.GRADIENT)
    panel.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.min(0).with_target(_query(expression, legend).instant())


if __name__ == "__main__":
    print(dashboard())
