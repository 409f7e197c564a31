"""A client for the parts of Airflow's REST API that running nights needs."""

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from infra.local.daemon import ServiceError
from infra.local.paths import ROOT
from schemas.days import beginning
from schemas.zone import zone

_ATTEMPTS = 8
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5
_TIMEOUT_S = 60


class Refused(ServiceError):
    """Airflow refused the request."""


class Unanswered(ServiceError):
    """Airflow did not answer, even after retries."""


class _Unauthorized(Refused):
    """The token is missing or has expired."""


class AirflowApi:
    """A client of an API server.

    Args:
        address: its URL.
        login: name and password of a user; None if the server asks for none.
        restart_server: restarts a server whose database is SQLite.
    """

    def __init__(
        self,
        address: str,
        login: tuple[str, str] | None = None,
        restart_server: Callable[[], None] | None = None,
    ) -> None:
        self._base = address
        self._login = login
        self._restart_server = restart_server
        self._once = requests.Session()
        self._retrying = requests.Session()
        # Retry all methods, and also server errors: SQLite may be locked.
        retries = Retry(
            _ATTEMPTS - 1,
            status_forcelist=range(500, 600),
            allowed_methods=None,
            raise_on_status=False,
            backoff_factor=_PAUSE_S,
            backoff_max=_LONGEST_PAUSE_S,
        )
        self._retrying.mount("http://", HTTPAdapter(max_retries=retries))
        for session in (self._once, self._retrying):
            session.trust_env = False  # ignore proxies, and passwords in ~/.netrc that would replace the token

    def ready(self) -> bool:
        """True if the server answers, the scheduler and the DAG processor are healthy, and all DAGs can be run."""
        try:
            health = self._request(self._once, "GET", "/api/v2/monitor/health")
            if any(health[part]["status"] != "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return False
            self._log_in(self._once)
            return all(
                self._request(self._once, "GET", f"/api/v2/dags/{dag}")["has_import_errors"] is False for dag in DAGS
            )
        except (ServiceError, KeyError):
            return False

    def create_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool if it does not exist."""
        pools = self._call("GET", "/api/v2/pools")["pools"]
        if name not in {pool["name"] for pool in pools}:
            body = {"name": name, "slots": slots, "description": description}
            self._call("POST", "/api/v2/pools", body)

    def create_user(self, name: str, password: str, role: str) -> None:
        """Create a user with one role if there is no user of this name."""
        if name not in {user["username"] for user in self._call("GET", "/auth/fab/v1/users")["users"]}:
            body = {"username": name, "password": password, "roles": [{"name": role}]}
            body |= {"email": f"{name}@nightreel.invalid", "first_name": name, "last_name": role}
            self._call("POST", "/auth/fab/v1/users", body)

    def log(self, task: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the records of the log of a task instance's last try, wherever the log is stored."""
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'], safe='')}"
        path += f"/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        records: list[dict[str, Any]] = self._call(
            "GET", path, query={"map_index": task["map_index"], "full_content": True}
        )["content"]
        return records

    def start_backfill(self, dag: str, first: dt.date, last: dt.date, conf: Mapping[str, object], at_once: int) -> int:
        """Run a DAG for a range of days, including days that have run before, and return the backfill's id.

        Raises:
            ServiceError: Airflow refuses, e.g. because a backfill of the DAG is already running.
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
                # If SQLite is locked, Airflow can create a backfill, fail, and leave it without runs. End it and try again.
                incomplete = set(self.active_backfills(dag)).difference(others)
                if not incomplete:
                    raise
                for backfill in incomplete:
                    self._end_incomplete(backfill)
            else:
                return number
        raise ServiceError(f"Airflow cannot create the runs of {dag}; see the log of its API server")

    def _end_incomplete(self, backfill: int) -> None:
        try:
            self.end_backfill(backfill)
        except Unanswered:
            if self._restart_server is None:
                raise
            # The server still has the transaction open that created the backfill, so all others wait for the database.
            self._restart_server()

    def active_backfills(self, dag: str) -> list[int]:
        """Return the ids of the DAG's backfills that have not finished."""
        query = {"dag_id": dag, "order_by": "-id", "limit": 20}
        backfills = self._call("GET", "/api/v2/backfills", query=query)["backfills"]
        return [backfill["id"] for backfill in backfills if backfill["completed_at"] is None]

    def end_backfill(self, number: int) -> None:
        """End a backfill: its queued runs will not start. Does nothing if it has finished already."""
        with suppress(Refused):
            self._call("PUT", f"/api/v2/backfills/{number}/cancel")

    def runs(self, dag: str, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
        """Return the DAG's runs of these days, in order."""
        query = {"logical_date_gte": midnight(first).isoformat(), "logical_date_lte": midnight(last).isoformat()}
        query |= {"order_by": "logical_date", "limit": "1000"}
        runs: list[dict[str, Any]] = self._call("GET", f"/api/v2/dags/{dag}/dagRuns", query=query)["dag_runs"]
        return runs

    def unfinished_runs(self, dag: str) -> list[str]:
        """Return the ids of the DAG's runs that are queued or running."""
        query = {"state": ["queued", "running"], "limit": 1000}
        return [run["dag_run_id"] for run in self._call("GET", f"/api/v2/dags/{dag}/dagRuns", query=query)["dag_runs"]]

    def fail_run(self, dag: str, run: str) -> None:
        """Mark a run and its running tasks as failed."""
        self._call("PATCH", f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}", {"state": "failed"})

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        path = f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances"
        tasks: list[dict[str, Any]] = self._call("GET", path, query={"limit": 1000})["task_instances"]
        return tasks

    def unpause(self, dag: str) -> None:
        """Let a DAG's runs start."""
        self._call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the JSON response. Retry while the server is busy or its SQLite is locked, but not if it refuses the request."""
        try:
            return self._request(self._retrying, method, path, body, query)
        except _Unauthorized:  # no token yet, or an expired one
            self._log_in(self._retrying)
            return self._request(self._retrying, method, path, body, query)

    def _log_in(self, session: requests.Session) -> None:
        session.headers.pop("Authorization", None)
        if self._login is None:
            answer = self._request(session, "GET", "/auth/token")
        else:
            answer = self._request(
                session, "POST", "/auth/token", dict(zip(("username", "password"), self._login, strict=True))
            )
        session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def _request(
        self,
        session: requests.Session,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            response = session.request(method, self._base + path, params=query, json=body, timeout=_TIMEOUT_S)
            if response.ok:
                return response.json()
        except requests.RequestException as error:
            raise Unanswered(f"Airflow does not answer {method} {path}: {error}") from error
        if response.status_code >= 500:
            raise Unanswered(f"Airflow does not answer {method} {path}: {_detail(response)}")
        error_type = _Unauthorized if response.status_code == 401 else Refused
        raise error_type(f"Airflow refuses {method} {path}: {_detail(response)}")


DAGS = tuple(sorted(path.stem for path in (ROOT / "dags").glob("[!_]*.py")))
"""The DAGs of this checkout. Each has the name of its file."""


def midnight(day: dt.date) -> dt.datetime:
    """Return the logical date of a night's runs."""
    return beginning(day, zone())


def _detail(response: requests.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text[:300]
