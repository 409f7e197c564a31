"""Where OpenLineage events of one machine go: Airflow's, the jobs' and Spark's."""

import json
import os

from infra.local.paths import State

NAMESPACE = "nightreel"
"""Of the jobs that are told of, unless OPENLINEAGE_NAMESPACE names another."""
_READ_BY_ALL = ("OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")


def environment(state: State) -> dict[str, str]:
    """What Airflow and the jobs are told: files, a line an event, unless the environment names another place."""
    if any(name.startswith(("OPENLINEAGE_URL", *_READ_BY_ALL)) for name in os.environ):
        return {}
    # Each client of OpenLineage reads its own of the two, and Python's knows to append.
    files = {
        "log_file_path": str(state.lineage / "events.jsonl"),
        "location": str(state.lineage / "spark.jsonl"),
        "append": True,
    }
    return {"OPENLINEAGE_NAMESPACE": NAMESPACE, "OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", **files})}


def spark_environment(state: State) -> dict[str, str]:
    """What Spark's listener is told: the same, but for OPENLINEAGE_URL, which OpenLineage's client for Java does not read."""
    url = os.environ.get("OPENLINEAGE_URL")
    if url is None or any(name.startswith(_READ_BY_ALL) for name in os.environ):
        return environment(state)
    transport: dict[str, object] = {"type": "http", "url": url}
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        transport["auth"] = {"type": "api_key", "apiKey": key}
    return {"OPENLINEAGE__TRANSPORT": json.dumps(transport)}
