"""Airflow's REST API, as far as running nights needs it."""

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from infra.local.daemon import ServiceError
from infra.local.paths import HOST, ROOT
from schemas.days import beginning
from schemas.zone import zone

_ATTEMPTS = 8
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5
_TIMEOUT_S = 60


class Refused(ServiceError):
    """Airflow understood, and will not."""


class Unanswered(ServiceError):
    """Airflow did not answer, however often it was asked."""


class _Unknown(Refused):
    """Airflow does not know who asks."""


class AirflowApi:
    """A client of the server on a port of this machine."""

    def __init__(self, port: int) -> None:
        self._base = f"http://{HOST}:{port}"
        self._once = requests.Session()
        self._patient = requests.Session()
        # Also after an error of the server, and whatever is asked: its SQLite may be locked.
        retries = Retry(
            _ATTEMPTS - 1,
            status_forcelist=range(500, 600),
            allowed_methods=None,
            raise_on_status=False,
            backoff_factor=_PAUSE_S,
            backoff_max=_LONGEST_PAUSE_S,
        )
        self._patient.mount("http://", HTTPAdapter(max_retries=retries))
        for session in (self._once, self._patient):
            session.trust_env = False  # no proxy, and no password of ~/.netrc in place of the token

    def ready(self) -> bool:
        """Whether the server answers, the scheduler and the DAG processor are alive, and `nightly` can be run."""
        try:
            health = self._ask(self._once, "GET", "/api/v2/monitor/health")
            if any(health[part]["status"] != "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return False
            self._log_in(self._once)
            return all(
                self._ask(self._once, "GET", f"/api/v2/dags/{dag}")["has_import_errors"] is False for dag in DAGS
            )
        except (ServiceError, KeyError):
            return False

    def make_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, unless it is there."""
        pools = self._call("GET", "/api/v2/pools")["pools"]
        if name not in {pool["name"] for pool in pools}:
            body = {"name": name, "slots": slots, "description": description}
            self._call("POST", "/api/v2/pools", body)

    def start_backfill(self, dag: str, first: dt.date, last: dt.date, conf: Mapping[str, object], at_once: int) -> int:
        """Run a DAG for a range of days, those that have run before as well; the backfill's id.

        Raises:
            ServiceError: Airflow refuses, e.g. since a backfill of the DAG is running.
        """
        body = {
            "dag_id": dag,
            "from_date": midnight(first).isoformat(),
            "to_date": midnight(last).isoformat(),
            "reprocess_behavior": "completed",
            "max_active_runs": at_once,
            "dag_run_conf": conf,
        }
        others = self.active_backfills(dag)
        for _ in range(_ATTEMPTS):
            try:
                number: int = self._call("POST", "/api/v2/backfills", body)["id"]
            except Refused:
                # While its SQLite is locked, Airflow can make a backfill, make no run for it and fail. That one is ended.
                half_made = set(self.active_backfills(dag)).difference(others)
                if not half_made:
                    raise
                for broken in half_made:
                    self.end_backfill(broken)
            else:
                return number
        raise ServiceError(f"Airflow makes no runs of {dag}; see its API server's log")

    def active_backfills(self, dag: str) -> list[int]:
        """Ids of the DAG's backfills that are not over."""
        query = {"dag_id": dag, "order_by": "-id", "limit": 20}
        found = self._call("GET", "/api/v2/backfills", query=query)["backfills"]
        return [backfill["id"] for backfill in found if backfill["completed_at"] is None]

    def end_backfill(self, number: int) -> None:
        """End a backfill: what has not begun will not. Nothing happens where it is over already."""
        with suppress(Refused):
            self._call("PUT", f"/api/v2/backfills/{number}/cancel")

    def runs(self, dag: str, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
        """The DAG's runs for these days, in order."""
        query = {"logical_date_gte": midnight(first).isoformat(), "logical_date_lte": midnight(last).isoformat()}
        query |= {"order_by": "logical_date", "limit": "1000"}
        runs: list[dict[str, Any]] = self._call("GET", f"/api/v2/dags/{dag}/dagRuns", query=query)["dag_runs"]
        return runs

    def unfinished_runs(self, dag: str) -> list[str]:
        """Ids of the DAG's runs that are queued or running."""
        query = {"state": ["queued", "running"], "limit": 1000}
        return [run["dag_run_id"] for run in self._call("GET", f"/api/v2/dags/{dag}/dagRuns", query=query)["dag_runs"]]

    def fail_run(self, dag: str, run: str) -> None:
        """Mark a run as failed, with what of it is running."""
        self._call("PATCH", f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}", {"state": "failed"})

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        path = f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances"
        tasks: list[dict[str, Any]] = self._call("GET", path, query={"limit": 1000})["task_instances"]
        return tasks

    def unpause(self, dag: str) -> None:
        """Let a DAG's runs start."""
        self._call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask again while the server is busy or its SQLite locked; a refusal is final."""
        try:
            return self._ask(self._patient, method, path, body, query)
        except _Unknown:  # no token yet, or one that is no longer good
            self._log_in(self._patient)
            return self._ask(self._patient, method, path, body, query)

    def _log_in(self, session: requests.Session) -> None:
        session.headers.pop("Authorization", None)
        session.headers["Authorization"] = f"Bearer {self._ask(session, 'GET', '/auth/token')['access_token']}"

    def _ask(
        self,
        session: requests.Session,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            answer = session.request(method, self._base + path, params=query, json=body, timeout=_TIMEOUT_S)
            if answer.ok:
                return answer.json()
        except requests.RequestException as error:
            raise Unanswered(f"Airflow does not answer {method} {path}: {error}") from error
        if answer.status_code >= 500:
            raise Unanswered(f"Airflow does not answer {method} {path}: {_detail(answer)}")
        refused = _Unknown if answer.status_code == 401 else Refused
        raise refused(f"Airflow refuses {method} {path}: {_detail(answer)}")


DAGS = tuple(sorted(path.stem for path in (ROOT / "dags").glob("[!_]*.py")))
"""The DAGs of this checkout: each is named as its file."""


def midnight(day: dt.date) -> dt.datetime:
    """The logical date of a night's runs."""
    return beginning(day, zone())


def _detail(answer: requests.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]
