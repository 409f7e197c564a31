"""What is asked of Airflow is done once, whatever it answers; a server on this machine answers as Airflow does."""

import datetime as dt
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from infra.local.airflow_api import AirflowApi, Refused, Unanswered

NIGHT = dt.date(2022, 5, 1)
TOKEN = "token"


class Airflow(ThreadingHTTPServer):
    """An Airflow that makes each of its first backfills half, and says then that it is unavailable."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.half = 0
        self.running: list[int] = []
        self.made = 0
        self.unavailable = 0
        self.transaction_is_open = False
        self.token = TOKEN
        self.asked: list[str] = []

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """Status and content."""
        if self.unavailable:
            self.unavailable -= 1
            return 503, {"detail": "database is locked"}
        if method == "GET":
            return 200, {"backfills": [{"id": number, "completed_at": None} for number in self.running]}
        if method == "PUT" and self.transaction_is_open:
            return 500, {"detail": "database is locked"}
        if method == "PUT":
            self.running.remove(int(path.split("/")[-2]))
            return 200, {}
        if self.running:
            return 409, {"detail": "There is already one"}
        self.made += 1
        self.running.append(self.made)
        return (503, {"detail": "locked"}) if self.made <= self.half else (200, {"id": self.made})

    def restart(self) -> None:
        """Roll back what the open transaction has created."""
        self.transaction_is_open = False
        self.running.clear()


class _Handler(BaseHTTPRequestHandler):
    server: Airflow

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        if path == "/auth/token":
            status, content = 201, {"access_token": self.server.token}
        elif self.headers["Authorization"] != f"Bearer {self.server.token}":
            status, content = 401, {"detail": "Not authenticated"}
        else:
            status, content = self.server.answer(self.command, path)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    monkeypatch.setattr("infra.local.airflow_api._PAUSE_S", 0.001)
    with Airflow() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def api(airflow: Airflow) -> AirflowApi:
    return AirflowApi(f"http://127.0.0.1:{airflow.server_port}", restart_server=airflow.restart)


def test_a_backfill_that_was_made_half_is_ended_and_made_anew(airflow: Airflow, api: AirflowApi) -> None:
    airflow.half = 2
    assert api.start_backfill("nightly", NIGHT, NIGHT, {}, 1) == 3
    assert airflow.running == [3]


def test_a_server_that_keeps_its_database_locked_is_restarted(airflow: Airflow, api: AirflowApi) -> None:
    airflow.half, airflow.transaction_is_open = 1, True
    assert api.start_backfill("nightly", NIGHT, NIGHT, {}, 1) == 2
    assert airflow.running == [2]


def test_a_backfill_of_somebody_else_is_left_alone(airflow: Airflow, api: AirflowApi) -> None:
    airflow.running, airflow.made = [1], 1
    with pytest.raises(Refused, match="There is already one"):
        api.start_backfill("nightly", NIGHT, NIGHT, {}, 1)
    assert airflow.running == [1]
    assert airflow.asked.count("POST /api/v2/backfills") == 1, "a refusal is final"


def test_a_busy_server_is_asked_again_and_given_up_in_the_end(airflow: Airflow, api: AirflowApi) -> None:
    airflow.unavailable = 7
    assert api.active_backfills("nightly") == []
    airflow.unavailable = 8
    with pytest.raises(Unanswered, match="does not answer GET /api/v2/backfills: database is locked"):
        api.active_backfills("nightly")


def test_a_token_of_another_server_is_replaced(airflow: Airflow, api: AirflowApi) -> None:
    assert api.active_backfills("nightly") == []
    airflow.token = "another"
    assert api.active_backfills("nightly") == []


def test_a_server_that_is_gone_is_unanswered_and_not_ready(airflow: Airflow, api: AirflowApi) -> None:
    airflow.shutdown()
    airflow.server_close()
    with pytest.raises(Unanswered, match="does not answer GET /api/v2/backfills"):
        api.active_backfills("nightly")
    assert not api.ready()


def test_no_setting_of_the_user_comes_between(
    airflow: Airflow, api: AirflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert api.active_backfills("nightly") == []
