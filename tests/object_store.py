"""Object stores for tests: a small S3 server in memory, with listings and conditional puts, and the one of a cluster."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

import pytest

from infra.local.daemon import Daemon, free_port
from infra.local.paths import HOST, JOBS_ENVIRONMENT, State

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEY, _SECRET, _REGION = "key", "secret", "us-east-1"


class ObjectStore(ThreadingHTTPServer):
    """The server. `objects` has the content of each object, by its key with the bucket."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.lock = Lock()

    @property
    def address(self) -> str:
        """What AWS_ENDPOINT_URL has to be."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def in_memory() -> Iterator[ObjectStore]:
    """Serve an empty store; buckets need not be made."""
    with ObjectStore() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def versitygw(home: Path, bucket: str, port: int = 0, secret: str = _SECRET) -> Iterator[str]:
    """Serve a bucket by the S3 server of a cluster, with its files in a state folder. Yields its address.

    Args:
        home: the state folder. A second server of the same folder has the objects of the first.
        bucket: its name.
        port: by default any free one.
        secret: the secret key that it accepts.
    """
    program = JOBS_ENVIRONMENT / "bin" / "versitygw"
    if not program.exists():
        pytest.skip("needs versitygw: run as root, with Go installed, make .venv/bin/versitygw")
    state, folder, port = State(home), home / "s3", port or free_port(0)
    state.make()
    (folder / bucket).mkdir(parents=True, exist_ok=True)
    command = [str(program), "--quiet", "--port", f"{HOST}:{port}", "--region", _REGION, "posix", str(folder)]
    with _running(state, command, port, {"ROOT_ACCESS_KEY": _KEY, "ROOT_SECRET_KEY": secret}) as address:
        yield address


@contextmanager
def gofakes3(home: Path, bucket: str) -> Iterator[str]:
    """Serve a bucket by another S3 server, which keeps it in memory. Yields its address."""
    program = JOBS_ENVIRONMENT / "bin" / "gofakes3"
    if not program.exists():
        pytest.skip("needs gofakes3: run, with Go installed, make .venv/bin/gofakes3")
    state, port = State(home), free_port(0)
    state.make()
    command = [str(program), "-backend", "memory", "-initialbucket", bucket, "-host", f"{HOST}:{port}", "-quiet"]
    with _running(state, command, port, {}) as address:
        yield address


@contextmanager
def _running(state: State, command: list[str], port: int, variables: dict[str, str]) -> Iterator[str]:
    """Run a server until the block ends. Yields its address when it listens."""
    daemon = Daemon("s3", state, command, variables)
    daemon.start()
    try:
        daemon.wait(lambda: daemon.listens(port), 60)
        yield f"http://{HOST}:{port}"
    finally:
        daemon.stop()


def need_jars(spark: "SparkSession") -> None:
    """Skip a test of Spark's tables on S3 if the jars for them are not installed."""
    if "hadoop-aws" not in str(spark.conf.get("spark.driver.extraClassPath", "")):
        pytest.skip("needs Spark's jars for S3: run make s3")


def use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables with which libraries find the store, also in this process."""
    from infra.object_store import path

    variables = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_REGION": _REGION,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    type(path("s3://any").fs).clear_instance_cache()  # of the store of an earlier test


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ObjectStore

    def do_GET(self) -> None:
        if "list-type" in self._query():
            return self._list()
        content = self.server.objects.get(self._key())
        if content is None:
            return self._answer(404)
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, end = int(match[1]), min(int(match[2] or len(content)) + 1, len(content))
            span = {"Content-Range": f"bytes {first}-{end - 1}/{len(content)}"}
            return self._answer(206, content[first:end], span | self._properties(content))
        return self._answer(200, content, self._properties(content))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            before = self.server.objects.get(self._key())
            tag = None if before is None else _tag(before)
            if (self.headers.get("If-None-Match") and before is not None) or self.headers.get("If-Match", tag) != tag:
                return self._answer(412)
            self.server.objects[self._key()] = content
        return self._answer(200, headers={"ETag": _tag(content)})

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key(), None)
        self._answer(204)

    def do_POST(self) -> None:
        """Delete several objects."""
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keys = re.findall("<Key>(.*?)</Key>", request)
        for key in keys:
            self.server.objects.pop(f"{self._key().strip('/')}/{unescape(key)}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _list(self) -> None:
        query, bucket = self._query(), self._key().strip("/")
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        keys = sorted(
            key.removeprefix(f"{bucket}/") for key in self.server.objects if key.startswith(f"{bucket}/{prefix}")
        )
        rest = {key: key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "") for key in keys}
        folders = sorted({prefix + name + slash for name, slash, _ in rest.values() if slash})
        body = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2022-05-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(_tag(content))}</ETag><Size>{len(content)}</Size></Contents>"
            for key in keys
            if not rest[key][1]
            for content in [self.server.objects[f"{bucket}/{key}"]]
        )
        body += "".join(f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders)
        count = f"<KeyCount>{len(keys)}</KeyCount><IsTruncated>false</IsTruncated>"
        self._answer(200, f"<ListBucketResult><Name>{bucket}</Name>{count}{body}</ListBucketResult>".encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/")

    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _properties(self, content: bytes) -> dict[str, str]:
        return {"ETag": _tag(content), "Last-Modified": "Sun, 01 May 2022 00:00:00 GMT"}

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
