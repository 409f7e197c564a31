"""Sends what an attempt of a job did as OpenTelemetry metrics (https://opentelemetry.io), by OTLP over HTTP.

The destination is configured as for every OpenTelemetry SDK (OTEL_EXPORTER_OTLP_ENDPOINT …). Without it nothing is sent. A job
ends too soon to be scraped, so it sends one sample of each metric when its attempt ends.
"""

import datetime as dt
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.platform import lake
from jobs.platform.errors import NightreelError
from jobs.platform.job_context import JobContext
from jobs.platform.phases import Phase, phase, seconds
from jobs.platform.run import attempt_number
from schemas.contract import load_contract
from schemas.days import beginning

_log = logging.getLogger(__name__)
_DESTINATIONS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
_TIMEOUT_S = 0.8
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Metric:
    """A gauge. Prometheus replaces the dots of its name, and appends its unit."""

    name: str
    unit: str
    """In UCUM (https://ucum.org), as OpenTelemetry requires; a unit in braces is not appended."""
    description: str


DURATION = Metric("nightreel.job.duration", "s", "Time from the start of the job's body to its end")
PHASE = Metric(
    "nightreel.job.phase.duration", "s", "Time of each phase of an attempt: start, read, compute, stage, audit, commit"
)
ENDED = Metric("nightreel.job.ended.timestamp", "s", "When the attempt ended, in Unix time")
ATTEMPT = Metric("nightreel.job.attempt", "{attempt}", "Number of the attempt, from 1")
ROWS = Metric("nightreel.job.rows", "{row}", "Rows of the night that were published")
WRITTEN = Metric("nightreel.job.written", "By", "Size of the files of these rows")
GPU_BUSY = Metric(
    "nightreel.job.gpu.busy", "1", "Share of the time in which the GPU computed; only on machines with a GPU"
)
TABLE_NIGHT = Metric("nightreel.table.night.timestamp", "s", "End of the published night, in Unix time")
TABLE_SIZE = Metric("nightreel.table.size", "By", "Size of all files of the table's current version")
DISK_FREE = Metric("nightreel.disk.free", "1", "Free share of the disk of NIGHTREEL_HOME")
METRICS = (DURATION, PHASE, ENDED, ATTEMPT, ROWS, WRITTEN, GPU_BUSY, TABLE_NIGHT, TABLE_SIZE, DISK_FREE)

Labels = dict[str, str]


@contextmanager
def measured(context: JobContext) -> Iterator[None]:
    """Measure the block, which is one attempt of a job, and send its metrics however it ends. Failing to send is only logged.

    `outcome` is `ok`, the class of a NightreelError, or `error`.
    """
    if not any(map(os.environ.get, _DESTINATIONS)):
        yield
        return
    import psutil

    before, started = seconds(), time.perf_counter()
    before[Phase.START] -= time.time() - psutil.Process().create_time()
    outcome = "error"
    try:
        with phase(Phase.COMPUTE):
            yield
        outcome = "ok"
    except NightreelError as error:
        outcome = type(error).__name__
        raise
    finally:
        try:
            duration = time.perf_counter() - started
            phases = {name: total - before[name] for name, total in seconds().items()}
            _send(list(_samples(context, outcome, duration, phases)))
        except Exception as error:  # the attempt's result stands
            _log.warning("the metrics of the attempt could not be sent: %s", error)


def _samples(
    context: JobContext, outcome: str, duration: float, phases: Mapping[Phase, float]
) -> Iterator[tuple[Metric, float, Labels]]:
    attempt = _labels(context) | {"outcome": outcome}
    yield DURATION, duration, attempt
    for name, seconds_of_phase in phases.items():
        yield PHASE, seconds_of_phase, attempt | {"phase": name}
    yield ENDED, time.time(), attempt
    yield ATTEMPT, attempt_number(), attempt
    if context.gpu_busy is not None:
        yield GPU_BUSY, context.gpu_busy, attempt
    if context.settings.home.is_dir():
        disk = shutil.disk_usage(context.settings.home)
        yield DISK_FREE, disk.free / disk.total, {}
    if (table := context.lake.writes) and (publication := context.lake.publication):
        sizes = {file.path: file.size for file in lake.files(context.lake.uri(table), load_contract(table))}
        yield ROWS, publication.rows, attempt
        yield WRITTEN, sum(sizes.get(path, 0) for path in publication.files), attempt
        night_ended = beginning(context.date + _DAY, context.settings.timezone)
        yield TABLE_NIGHT, night_ended.timestamp(), {"table": table}
        yield TABLE_SIZE, sum(sizes.values()), {"table": table}


def _labels(context: JobContext) -> Labels:
    """Return what identifies a job and its night: the module, and the table that it writes or the model that it trains."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    labels = {
        "module": spec.name.removeprefix("jobs.") if spec else "",
        "table": context.lake.writes,
        "model": getattr(context.args, "model", None) or context.lake.trains,
        "night": str(context.date),
    }
    return {name: value for name, value in labels.items() if value}


def _send(samples: list[tuple[Metric, float, Mapping[str, str]]]) -> None:
    # The imports take a quarter of a second, and many installations send nothing.
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=_TIMEOUT_S), export_interval_millis=math.inf)
    # No id of the process: a rerun continues the series of the attempt before.
    provider = MeterProvider([reader], Resource({"service.name": "nightreel"}), shutdown_on_exit=False)
    meter = provider.get_meter("nightreel")
    gauges = {metric: meter.create_gauge(metric.name, metric.unit, metric.description) for metric, _, _ in samples}
    for metric, value, labels in samples:
        gauges[metric].set(value, dict(labels))
    provider.force_flush(_TIMEOUT_S * 1000)
    provider.shutdown(_TIMEOUT_S * 1000)
