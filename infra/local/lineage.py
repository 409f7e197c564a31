"""Destination of the OpenLineage events of Airflow, the jobs and Spark on one machine."""

import json
import os

from infra.local.paths import State

NAMESPACE = "nightreel"
"""Namespace of the jobs, unless OPENLINEAGE_NAMESPACE is set."""
_READ_BY_ALL = ("OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")


def environment(state: State) -> dict[str, str]:
    """Return the settings for Airflow and the jobs: files with one event per line, unless the user has set a destination."""
    if any(name.startswith(("OPENLINEAGE_URL", *_READ_BY_ALL)) for name in os.environ):
        return {}
    # The Python client reads `log_file_path` and `append`, the Java client `location`.
    files = {
        "log_file_path": str(state.lineage / "events.jsonl"),
        "location": str(state.lineage / "spark.jsonl"),
        "append": True,
    }
    return {"OPENLINEAGE_NAMESPACE": NAMESPACE, "OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", **files})}


def spark_environment(state: State) -> dict[str, str]:
    """Return the settings for Spark's listener: the same, but OPENLINEAGE_URL as a transport, as the Java client ignores it."""
    url = os.environ.get("OPENLINEAGE_URL")
    if url is None or any(name.startswith(_READ_BY_ALL) for name in os.environ):
        return environment(state)
    transport: dict[str, object] = {"type": "http", "url": url}
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        transport["auth"] = {"type": "api_key", "apiKey": key}
    return {"OPENLINEAGE__TRANSPORT": json.dumps(transport)}
