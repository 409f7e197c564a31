"""A job's driver creates its executors by Kubernetes' API, from the chart's template and settings, and the images start them.

Only Kubernetes is replaced: `_Api` accepts what Spark creates, and starts a process for each executor pod as a node would do.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate

from tests.infra.chart import ROOT, Manifest, named, rendered

_LIST = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": []}
_DRIVER = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "task", "namespace": "nights", "uid": "17"}}


class _Api(ThreadingHTTPServer):
    """The part of Kubernetes' API that Spark uses."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.pods: list[Manifest] = []
        self.executors: list[subprocess.Popen[bytes]] = []

    def start(self, pod: Manifest) -> None:
        """Start the only container of a pod."""
        self.pods.append(pod)
        (container,) = pod["spec"]["containers"]
        fields = {"status.podIP": "127.0.0.1", "metadata.name": pod["metadata"]["name"]}
        variables = {
            each["name"]: each.get("value") or fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in container["env"]
            if each.get("value") is not None or "valueFrom" in each
        }
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **variables}
        environment["SPARK_LOCAL_DIRS"] = str(self.folder)
        command = [str(ROOT / "infra" / "images" / "entrypoint.sh"), *container["args"]]
        log = self.folder / f"{pod['metadata']['name']}.log"
        self.executors.append(
            subprocess.Popen(command, env=environment, cwd="/", stdout=log.open("wb"), stderr=subprocess.STDOUT)
        )


class _Handler(BaseHTTPRequestHandler):
    server: _Api

    def do_GET(self) -> None:
        self._answer(200, _DRIVER if self.path.endswith("/pods/task") else _LIST)

    def do_POST(self) -> None:
        created = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        created["metadata"]["uid"] = "18"
        if created["kind"] == "Pod":
            self.server.start(created)
        self._answer(201, created)

    def do_DELETE(self) -> None:
        self._answer(200, {"apiVersion": "v1", "kind": "Status", "status": "Success"})

    def do_PATCH(self) -> None:
        self.do_GET()

    def _answer(self, code: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Be silent."""


@contextmanager
def kubernetes(folder: Path) -> Iterator[_Api]:
    api = _Api(folder)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        for executor in api.executors:
            executor.kill()
            executor.wait()
        api.shutdown()
        api.server_close()


def test_a_job_runs_on_executor_pods(tmp_path: Path) -> None:
    files = named(rendered(tmp_path), "ConfigMap", "nightreel-pods")["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("/etc/nightreel", str(tmp_path)).replace("memory 6g", "memory 1g"))
    script = (
        "from jobs.platform.spark import session; spark = session();"
        "print(spark.range(1000).repartition(4).mapInPandas(lambda parts: parts, 'id long').count());"
        "conf = spark.sparkContext.getConf(); print([conf.get(f'spark.driver.{name}') for name in ('host', 'port')])"
    )
    with kubernetes(tmp_path) as api:
        environment = os.environ | {
            "NIGHTREEL_SPARK_MASTER": f"k8s://http://127.0.0.1:{api.server_port}",
            "NIGHTREEL_SPARK_CONF": str(tmp_path / "spark.conf"),
            "NIGHTREEL_HOME": str(tmp_path),
            "POD_IP": "127.0.0.1",
            "POD_NAME": "task",
        }
        command = [str(ROOT / ".venv" / "bin" / "python"), "-c", script]
        job = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
    assert job.returncode == 0, job.stderr[-3000:]
    assert job.stdout.splitlines()[-2:] == ["1000", "['127.0.0.1', '7078']"]
    assert api.pods
    for pod in api.pods:
        kubernetes_validate.validate(pod, "1.37", strict=True)
        (container,) = pod["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert pod["spec"]["serviceAccountName"] == "nightreel-store"
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "executor"
        assert pod["metadata"]["ownerReferences"][0]["uid"] == "17"  # Kubernetes deletes it with the driver's pod
