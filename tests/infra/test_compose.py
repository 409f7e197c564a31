"""The compose file, beyond its schema."""

import re
from pathlib import Path

import yaml

INFRA = Path(__file__).resolve().parents[2] / "infra"


def test_the_compose_file_is_complete() -> None:
    """Every reference between services, secrets, networks and volumes, which `docker compose config` would check."""
    compose = yaml.safe_load((INFRA / "compose.yaml").read_text())
    services = compose["services"]
    for name, service in services.items():
        assert re.search(r"^nightreel/(jobs|airflow|worker)$|@sha256:[0-9a-f]{64}$", service["image"]), name
        assert set(service.get("secrets", [])) <= compose["secrets"].keys()
        assert service["networks"] == ["nightreel"]
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= compose["volumes"].keys()
        for other, wait in service.get("depends_on", {}).items():
            assert other in services
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for {other}"
        assert {config["source"] for config in service.get("configs", [])} <= compose["configs"].keys()
        used = set(re.findall(r"/run/secrets/(\w+)", yaml.safe_dump(service)))
        assert used <= set(service["secrets"]), name
