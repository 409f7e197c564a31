"""The chart of infra/chart, as helm renders it for an installation."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "infra" / "chart"
HELM = ROOT / ".venv" / "bin" / "helm"
VALUES: dict[str, Any] = {
    "images": {name: f"registry.internal/nightreel/{name}@sha256:{'0' * 64}" for name in ("jobs", "airflow", "worker")},
    "lake": "s3a://lake/tables",
    "files": "s3a://lake/files",
    "logs": "s3://lake/logs",
    "mlflowArtifacts": "s3://lake/mlflow",
    "store": {"endpoint": "http://store.internal:9000"},
    "secrets": {name: f"nightreel-{name}" for name in ("store", "pseudonyms", "mlflow", "airflow", "backup")},
    "backup": {"claim": "nightreel-backup"},
}

Manifest = dict[str, Any]


def helm(command: str, values: dict[str, Any], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `helm lint` or `helm template`. The folder is used for the values and helm's own files."""
    if not HELM.exists():
        pytest.skip("needs helm, which `make test` builds if Go is installed: https://go.dev/doc/install")
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    arguments = ["nightreel"] if command == "template" else ["--strict"]
    environment = os.environ | {"HELM_CACHE_HOME": str(folder), "HELM_CONFIG_HOME": str(folder)}
    line = [
        str(HELM),
        command,
        *arguments,
        str(CHART),
        "--namespace",
        "nights",
        "--values",
        str(folder / "values.yaml"),
    ]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def rendered(folder: Path) -> list[Manifest]:
    """Return everything that the chart installs."""
    result = helm("template", VALUES, folder)
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return one of them."""
    (manifest,) = (each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return manifest
