"""Commands on an object store: an empty one, and one that does not answer."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from threading import Thread

import pytest

from jobs.platform.lake import version

_NO_OBJECTS = (
    b"<ListBucketResult><Name>lake</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
)


class _EmptyBucket(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_listing = "list-type=2" in self.path
        self.send_response(200 if is_listing else 404)
        self.send_header("Content-Length", str(len(_NO_OBJECTS) if is_listing else 0))
        self.end_headers()
        if is_listing:
            self.wfile.write(_NO_OBJECTS)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def lake_on_s3(home: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "NIGHTREEL_LAKE": "s3a://lake/night",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def empty_store(lake_on_s3: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyBucket)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    lake_on_s3.setenv("AWS_ENDPOINT_URL", address)
    yield address
    server.shutdown()


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"jobs.{module}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("module", ["integrity.verify", "integrity.restore"])
def test_a_table_that_was_never_made_is_no_damage(empty_store: str, module: str) -> None:
    result = _run(module)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_store_that_does_not_answer_is_named_in_the_last_line(lake_on_s3: pytest.MonkeyPatch) -> None:
    with closing(create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    lake_on_s3.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    result = _run("ingest.users", "--date", "2022-05-01")
    assert result.returncode == 1  # so that Airflow tries again
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: OSError: ")
    assert f"http://127.0.0.1:{port}/lake/night" in last
    assert "Connection refused" in last


def test_no_table_is_known_of_an_empty_store(empty_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")  # what the environment of a process gets from its endpoint
    assert version("s3a://lake/night/silver/users") is None
