"""A receiver of OpenTelemetry metrics by OTLP over HTTP, which names them as Prometheus does."""

import gzip
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

_UNITS = {"s": "seconds", "ms": "milliseconds", "By": "bytes"}

Sample = tuple[str, dict[str, str], float]
"""Prometheus' name, labels, and value. The value of a histogram is its sum."""


@dataclass
class Receiver:
    """What has arrived so far."""

    endpoint: str
    """Value of OTEL_EXPORTER_OTLP_ENDPOINT."""
    samples: list[Sample] = field(default_factory=list)

    def names(self) -> set[str]:
        """Prometheus' names of all metrics that arrived."""
        return {name for name, _, _ in self.samples}

    def of(self, **labels: str) -> dict[str, float]:
        """Name -> last value, of the samples with these labels."""
        return {name: value for name, found, value in self.samples if found.items() >= labels.items()}


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Receive metrics on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/metrics"
            received.samples += _samples(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Receiver(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield received
        server.shutdown()


def prometheus_name(name: str, unit: str, *, is_counter: bool = False, is_gauge: bool = False) -> str:
    """Return the name that Prometheus gives a metric by default: words joined by `_`, then the unit, and `total` for counters."""
    unit = _UNITS.get(unit, "ratio" if unit == "1" and is_gauge else "")
    words = [word for word in re.split(r"[^a-zA-Z0-9]+", name) if word and word != "total"]
    if unit and unit not in words:
        words.append(unit)
    return "_".join([*words, "total"] if is_counter else words)


def _samples(request: ExportMetricsServiceRequest) -> Iterator[Sample]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield from _of_metric(metric)


def _of_metric(metric: Metric) -> Iterator[Sample]:
    kind = metric.WhichOneof("data")
    assert kind is not None
    data = getattr(metric, kind)
    name = prometheus_name(
        metric.name, metric.unit, is_counter=kind == "sum" and data.is_monotonic, is_gauge=kind == "gauge"
    )
    for point in data.data_points:
        labels = {a.key: a.value.string_value for a in point.attributes}
        number = point.sum if "histogram" in kind else getattr(point, point.WhichOneof("value"))
        yield name, labels, float(number)
