"""What is asked of Airflow is done once, whatever it answers."""

import datetime as dt
import io
import urllib.error
from email.message import Message
from typing import Any

import pytest

from infra.local.airflow_api import AirflowApi, Refused

NIGHT = dt.date(2022, 5, 1)


class Airflow(AirflowApi):
    """An Airflow that makes each of its first backfills half, and says that it is unavailable."""

    def __init__(self, half: int, running: list[int]) -> None:
        super().__init__(0)
        self._token = "token"
        self.half = half
        self.running = running
        self.made = len(running)

    def _once(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if method == "GET":
            return {"backfills": [{"id": number, "completed_at": None} for number in self.running]}
        if method == "PUT":
            self.running.remove(int(path.split("/")[-2]))
            return {}
        if self.running:
            raise urllib.error.HTTPError(path, 409, "Conflict", Message(), io.BytesIO(b"There is already one"))
        self.made += 1
        self.running.append(self.made)
        if self.made <= self.half:
            raise urllib.error.HTTPError(path, 503, "Unavailable", Message(), io.BytesIO(b"locked"))
        return {"id": self.made}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.airflow_api.time.sleep", lambda seconds: None)


def test_a_backfill_that_was_made_half_is_ended_and_made_anew() -> None:
    server = Airflow(half=2, running=[])
    assert server.start_backfill("nightly", NIGHT, NIGHT, {}, 1) == 3
    assert server.running == [3]


def test_a_backfill_of_somebody_else_is_left_alone() -> None:
    server = Airflow(half=0, running=[1])
    with pytest.raises(Refused, match="There is already one"):
        server.start_backfill("nightly", NIGHT, NIGHT, {}, 1)
    assert server.running == [1]
