"""A backfill outlives the death of the server that it asks."""

import datetime as dt
from typing import Any

import pytest

from infra.local import backfill
from infra.local.airflow_api import AirflowApi, Unanswered
from infra.local.backfill import Backfill

NIGHT = dt.date(2022, 5, 1)


class Server(AirflowApi):
    """An Airflow that answers some questions only."""

    def __init__(self, silent: int) -> None:
        super().__init__("http://127.0.0.1:0")
        self.silent = silent
        self.ended: list[int] = []

    def start_backfill(self, *_: object) -> int:
        return 7

    def runs(self, *_: object) -> list[dict[str, Any]]:
        self.silent -= 1
        if self.silent >= 0:
            raise Unanswered("Airflow does not answer")
        return [{"dag_run_id": "one", "logical_date": f"{NIGHT}T00:00:00+08:00", "state": "success"}]

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        return [{"task_id": "land", "map_index": -1, "state": "success", "duration": 3.0, "rendered_map_index": None}]

    def end_backfill(self, number: int) -> None:
        self.ended.append(number)


def test_it_goes_on_when_the_server_answers_again() -> None:
    server, asked = Server(silent=3), []

    def restart_dead() -> list[str]:
        asked.append("what died")
        return []

    outcome = Backfill(server, {"nightly": {}}, NIGHT, NIGHT).run(1, restart_dead)
    assert outcome.unsuccessful == {}
    assert dict(outcome.seconds[NIGHT]) == {"land": 3.0}
    assert len(asked) == 4, "what has died is started again before each question"
    assert server.ended == [7]


def test_it_gives_up_when_the_server_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_PATIENCE_S", 0.0)
    server = Server(silent=1000)
    with pytest.raises(Unanswered):
        Backfill(server, {"nightly": {}}, NIGHT, NIGHT).run(1)
    assert server.ended == [7]
