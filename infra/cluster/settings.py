"""The settings of the cluster as environment variables: this is what a deployment has to set, wherever its services run."""

import os
from dataclasses import dataclass

from infra.cluster.network import SERVICES, Network
from infra.environment import ROOT
from infra.local.airflow import secret
from infra.local.paths import State

USER = "nightreel"
"""The user of the databases and of the object store."""
BUCKETS = ("lake", "files", "mlflow", "logs")
POSTGRES_PORT, REDIS_PORT, S3_PORT, MLFLOW_PORT = 5432, 6379, 7070, 5000
SPARK_PORT, SPARK_CONNECT_PORT, SPARK_UI_PORT, AIRFLOW_PORT = 7077, 15002, 8081, 8080
REGION = "us-east-1"
USERS = {"viewer": "Viewer", "oncall": "Op", "admin": "Admin"}
"""Airflow's users in the demonstration -> their role: an analyst may look, who is on call may also backfill and clear tasks."""


@dataclass(frozen=True)
class Settings:
    """The settings of one cluster."""

    state: State
    network: Network

    @property
    def services(self) -> str:
        """The address of the machine with the services."""
        return self.network.address(SERVICES)

    def password(self, name: str) -> str:
        """Return a password, which is created once."""
        return secret(self.state, name)

    def database(self, name: str) -> str:
        """Return the URL of a database, for SQLAlchemy with psycopg2."""
        password = self.password("postgres")
        return f"postgresql+psycopg2://{USER}:{password}@{self.services}:{POSTGRES_PORT}/{name}"

    def of_jobs(self) -> dict[str, str]:
        """Return the settings of every command and job that works on the lake."""
        hosts = ",".join(self.network.addresses)
        return {
            "NIGHTREEL_HOME": str(self.state.home),
            "NIGHTREEL_LAKE": "s3a://lake/nightreel",
            "NIGHTREEL_FILES": "s3a://files/nightreel",
            "AWS_ENDPOINT_URL": f"http://{self.services}:{S3_PORT}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": self.password("s3"),
            "MLFLOW_TRACKING_URI": f"http://{self.services}:{MLFLOW_PORT}",
            "NIGHTREEL_PSEUDONYM_KEY": os.environ.get("NIGHTREEL_PSEUDONYM_KEY") or self.password("pseudonym"),
            "NIGHTREEL_SPARK_CONF": f"{ROOT}/infra/cluster/spark.conf",
            # No proxy between the machines.
            "no_proxy": f"{os.environ.get('no_proxy', '')},{hosts}",
            "NO_PROXY": f"{os.environ.get('NO_PROXY', '')},{hosts}",
        }

    def of_airflow(self) -> dict[str, str]:
        """Return the settings of Airflow's own processes and its workers, in addition to those of every Airflow of ours."""
        return self.of_jobs() | {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database("airflow"),
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://:{self.password('redis')}@{self.services}:{REDIS_PORT}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{self.database('airflow')}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "3",  # as many as [core] parallelism
            # A task whose worker has died is retried after a minute. A live one reports every few seconds.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            # A task that Redis has lost is queued again after two minutes.
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
            "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "AIRFLOW__LOGGING__REMOTE_LOGGING": "True",
            "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": "s3://logs/airflow",
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",  # boto3 reads the variables AWS_…
            # With spark://…:7077 each task is a driver with executors of its own.
            "AIRFLOW_CONN_SPARK_DEFAULT": os.environ.get("AIRFLOW_CONN_SPARK_DEFAULT")
            or f"spark-connect://{self.services}:{SPARK_CONNECT_PORT}",
        }
